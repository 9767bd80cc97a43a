/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * bare.c - a directory of objects without a repository around it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "store/store_private.h"

int store_open_objects(const char *path, enum digest_algorithm algorithm, struct store **ret,
		       struct diag *why)
{
	CLEAN(store_closep) struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	store->dir_fd = -1;
	store->objects_fd = -1;
	store->config = (struct store_config){.algorithm = algorithm};
	store->is_writable = true;
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return diag_errno(why, -errno, "cannot make '%s'", path);
	store->dir_fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dir_fd < 0)
		return diag_errno(why, -errno, "cannot open '%s'", path);
	store->objects_fd = fcntl(store->dir_fd, F_DUPFD_CLOEXEC, 3);
	if (store->objects_fd < 0)
		return diag_errno(why, -errno, "cannot open '%s'", path);
	*ret = TAKE(store);
	return 0;
}
