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
#include "store/draft_private.h"
#include "store/store_private.h"

/* Whether fs-verity can be turned on for a file of this directory: found out with one that has no
 * name. */
static bool verity_works(int dir_fd, enum digest_algorithm algorithm)
{
	CLEAN(draft_release) struct draft draft = DRAFT_NONE;

	return draft_open(dir_fd, &draft, NULL) == 0 && fd_write(draft.fd, "x", 1) == 0 &&
	       draft_seal(&draft, algorithm, NULL, NULL) == 0;
}

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
	store->config.is_secure = verity_works(store->dir_fd, algorithm);
	*ret = TAKE(store);
	return 0;
}
