/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/seccomp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"

static int file_read(const char *path, struct buf *ret, struct diag *why)
{
	CLEAN(fd_closep) int fd = fd_open_regular(AT_FDCWD, path, 0);
	int r = fd < 0 ? fd : fd_read_all(fd, SECCOMP_PROFILE_SIZE_MAX, ret);

	if (r < 0)
		return diag_errno(why, r, "cannot read the seccomp profile '%s'", path);
	return ret->size ? 1 : diag_set(why, -EUCLEAN, "the seccomp profile '%s' is empty", path);
}

int seccomp_file_read(const char *file, struct buf *ret, struct diag *why)
{
	/* containers/common, pkg/config: the administrator's before the distribution's. */
	static const char *const known[] = {"/etc/containers/seccomp.json",
					    "/usr/share/containers/seccomp.json"};

	if (file)
		return strcmp(file, SECCOMP_UNCONFINED) == 0 ? 0 : file_read(file, ret, why);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct diag own = {0};
		int r = file_read(known[i], ret, &own);

		if (r != -ENOENT)
			return r < 0 ? diag_set(why, r, "%s", own.text) : r;
	}
	return 0;
}
