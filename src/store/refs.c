/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/refs_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "store/links_private.h"
#include "store/store_private.h"

/* "../" for each component of name, then the leaf. */
static int ref_target(const char *name, const char *leaf, struct buf *ret)
{
	int r = buf_append_string(ret, "../");

	for (; *name && r == 0; name++) {
		if (*name == '/')
			r = buf_append_string(ret, "../");
	}
	return r < 0 ? r : buf_append_string(ret, leaf);
}

int ref_put(const struct store *store, int top_fd, const char *name, const char *leaf,
	    struct diag *why)
{
	CLEAN(buf_release) struct buf target = {0};
	CLEAN(fd_closep) int dir_fd = -1;
	const char *rest = name, *slash;
	int r;

	r = ref_target(name, leaf, &target);
	if (r < 0 || !buf_string(&target))
		return -ENOMEM;
	dir_fd = link_dir_open(top_fd, "refs", why);
	if (dir_fd < 0)
		return dir_fd;
	for (; (slash = strchr(rest, '/')); rest = slash + 1) {
		char component[NAME_SIZE_MAX + 1];
		int below;

		(void)snprintf(component, sizeof(component), "%.*s", (int)(slash - rest), rest);
		below = link_dir_open(dir_fd, component, why);
		if (below < 0)
			return below;
		fd_close(dir_fd);
		dir_fd = below;
	}
	r = link_put(store, dir_fd, rest, buf_string(&target), why);
	if (r < 0)
		return r;
	if (fsync(dir_fd) < 0)
		return diag_errno(why, -errno, "cannot write the directory of '%s' to disk", name);
	return 0;
}
