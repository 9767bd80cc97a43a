/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "store/draft_private.h"
#include "store/links_private.h"
#include "store/store_private.h"

/* The name without its slash, and a random end: the same object may have been here before. */
static int aside_name(const char *path, char name[NAME_SIZE_MAX + 1])
{
	char suffix[TEMPORARY_NAME_SIZE];
	int length, r = temporary_name("-", suffix);

	if (r < 0)
		return r;
	length = snprintf(name, NAME_SIZE_MAX + 1, "%.*s%s",
			  (int)(NAME_SIZE_MAX - TEMPORARY_NAME_SIZE), path, suffix);
	for (int i = 0; i < length; i++) {
		if (name[i] == '/')
			name[i] = '-';
	}
	return 0;
}

int quarantine_object(struct store *store, const char *path, struct diag *why)
{
	CLEAN(fd_closep) int ours = link_dir_open(store->dir_fd, "lamina", why);
	CLEAN(fd_closep) int aside = -1;
	char name[NAME_SIZE_MAX + 1];
	int r;

	if (ours < 0)
		return ours;
	aside = link_dir_open(ours, "quarantine", why);
	if (aside < 0)
		return aside;
	r = aside_name(path, name);
	if (r < 0)
		return diag_set(why, r, "no random bytes for a name");
	if (renameat(store->objects_fd, path, aside, name) < 0)
		return errno == ENOENT
			       ? -ENOENT
			       : diag_errno(why, -errno, "cannot put object %s aside", path);
	return fsync(aside) < 0 ? diag_errno(why, -errno, "cannot write lamina/quarantine to disk")
				: 0;
}

/* One step at a time: a link in place of either would lead somebody with more rights elsewhere. */
int quarantine_open(const struct store *store, struct diag *why)
{
	CLEAN(fd_closep) int ours = -1;
	int fd;

	ours = openat(store->dir_fd, "lamina", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ours < 0)
		return errno == ENOENT ? -ENOENT : diag_errno(why, -errno, "cannot open lamina");
	fd = openat(ours, "quarantine", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return diag_errno(why, -errno, "cannot open lamina/quarantine");
	return fd < 0 ? -ENOENT : fd;
}
