/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/userns.h"
#include "store/records.h"

const char *runtime_path(void)
{
	const char *path = secure_getenv("LAMINA_RUNTIME_DIR");

	if (!path)
		path = geteuid() == 0 && userns_is_initial() ? "/run"
							     : secure_getenv("XDG_RUNTIME_DIR");
	return path && path[0] == '/' ? path : NULL;
}

int runtime_records(bool makes, struct records **ret, struct diag *why)
{
	const char *path = runtime_path();
	CLEAN(fd_closep) int fd = -1;

	if (!path)
		return -ENOENT;
	fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open '%s'", path);
	return records_open(fd, RECORDS_LOCK_FOLDER, makes, ret, why);
}
