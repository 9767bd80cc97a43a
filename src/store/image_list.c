/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * All names below images/refs/, in byte order. Directories wait in a list of their own instead of
 * on the stack: how deep they go is up to whoever wrote them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "store/images.h"
#include "store/links_private.h"
#include "store/store_private.h"

struct ref {
	const char *name; /* in the arena */
	struct digest image;
};

struct waiting {
	struct waiting *next;
	const char *name; /* in the arena; "" is images/refs itself */
};

struct listing {
	struct arena arena;
	struct buf refs; /* of struct ref */
	struct waiting *waiting;
};

static void listing_release(struct listing *listing)
{
	arena_release(&listing->arena);
	buf_release(&listing->refs);
}

static int add_directory(struct listing *listing, const char *name)
{
	struct waiting *waiting = arena_new(&listing->arena, struct waiting);

	if (!waiting)
		return -ENOMEM;
	*waiting = (struct waiting){listing->waiting, name};
	listing->waiting = waiting;
	return 0;
}

static int add_ref(struct listing *listing, int dir_fd, const char *entry, const char *name,
		   struct diag *why)
{
	struct ref ref = {.name = name};
	char target[LINK_TARGET_SIZE];
	int r;

	r = link_read(dir_fd, entry, target, sizeof(target));
	if (r == -ENOENT)
		return 0; /* removed meanwhile */
	if (r == -EINVAL)
		return diag_set(why, -EUCLEAN, "images/refs/%.300s is not a link", name);
	if (r < 0)
		return diag_errno(why, r, "cannot read images/refs/%.300s", name);
	if (link_digest(target, &ref.image) < 0)
		return diag_set(why, -EUCLEAN,
				"images/refs/%.200s points to '%.200s', which is no image", name,
				target);
	return buf_append(&listing->refs, &ref, sizeof(ref));
}

static int add_entry(struct listing *listing, int dir_fd, const char *parent, const char *entry,
		     struct diag *why)
{
	CLEAN(buf_release) struct buf path = {0};
	struct stat stat;
	char *name;

	if (strcmp(entry, ".") == 0 || strcmp(entry, "..") == 0)
		return 0;
	if (buf_printf(&path, "%s%s%s", parent, parent[0] ? "/" : "", entry) < 0)
		return -ENOMEM;
	name = arena_copy(&listing->arena, buf_span(&path));
	if (!name)
		return -ENOMEM;
	if (path.size > LINK_NAME_SIZE_MAX)
		return diag_set(why, -E2BIG, "images/refs/%.100s... is too deep", name);
	if (fstatat(dir_fd, entry, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? 0
			       : diag_errno(why, -errno, "cannot stat images/refs/%.300s", name);
	if (S_ISDIR(stat.st_mode))
		return add_directory(listing, name);
	return add_ref(listing, dir_fd, entry, name, why);
}

static int read_directory(struct listing *listing, int refs_fd, const char *name, struct diag *why)
{
	CLEAN(dir_closep) DIR *dir = NULL;
	CLEAN(fd_closep) int fd = -1;
	struct dirent *entry;

	fd = openat(refs_fd, name[0] ? name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open images/refs/%.300s", name);
	dir = fdopendir(fd);
	if (!dir)
		return diag_errno(why, -errno, "cannot read images/refs/%.300s", name);
	(void)fd_take(&fd);
	while ((errno = 0, entry = readdir(dir))) {
		int r = add_entry(listing, dirfd(dir), name, entry->d_name, why);

		if (r < 0)
			return r;
	}
	return errno ? diag_errno(why, -errno, "cannot read images/refs/%.300s", name) : 0;
}

static int read_refs(struct listing *listing, const struct store *store, struct diag *why)
{
	CLEAN(fd_closep) int refs_fd = -1;
	int r;

	refs_fd = openat(store->dir_fd, "images/refs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (refs_fd < 0 && errno == ENOENT)
		return 0;
	if (refs_fd < 0)
		return diag_errno(why, -errno, "cannot open images/refs");
	r = add_directory(listing, "");
	while (r == 0 && listing->waiting) {
		const char *name = listing->waiting->name;

		listing->waiting = listing->waiting->next;
		r = read_directory(listing, refs_fd, name, why);
	}
	return r;
}

static int ref_order(const void *a, const void *b)
{
	return strcmp(((const struct ref *)a)->name, ((const struct ref *)b)->name);
}

int image_list(const struct store *store, image_visit *visit, void *context, struct diag *why)
{
	CLEAN(listing_release) struct listing listing = {0};
	size_t count;
	int r;

	r = read_refs(&listing, store, why);
	if (r < 0)
		return r;
	count = listing.refs.size / sizeof(struct ref);
	if (count)
		qsort(listing.refs.data, count, sizeof(struct ref), ref_order);
	for (size_t i = 0; i < count; i++) {
		const struct ref *ref = (const struct ref *)(void *)listing.refs.data + i;

		r = visit(context, ref->name, &ref->image, why);
		if (r)
			return r;
	}
	return 0;
}
