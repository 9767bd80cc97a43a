/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Listing: directories wait in a list of their own instead of on the stack, because how deep they
 * go is up to whoever wrote them.
 */
#include "store/entries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/folder.h"
#include "store/links_private.h"
#include "store/store_private.h"

const char *entry_folder(enum entry_place place)
{
	switch (place) {
	case ENTRY_IMAGE:
		return "images";
	case ENTRY_IMAGE_REF:
		return "images/refs";
	case ENTRY_STREAM:
		return "streams";
	case ENTRY_STREAM_REF:
		break;
	}
	return "streams/refs";
}

static bool is_ref(enum entry_place place)
{
	return place == ENTRY_IMAGE_REF || place == ENTRY_STREAM_REF;
}

/* What is below refs/ is listed for itself. */
static bool is_passed_over(enum entry_place place, const char *parent, const char *entry)
{
	return strcmp(entry, ".") == 0 || strcmp(entry, "..") == 0 ||
	       (!is_ref(place) && !parent[0] && strcmp(entry, "refs") == 0);
}

int entry_object(const struct store *store, enum entry_place place, const char *target,
		 struct digest *ret, struct diag *why)
{
	char path[sizeof("streams/") + LINK_NAME_SIZE_MAX], next[LINK_TARGET_SIZE];
	const char *slash = strrchr(target, '/');
	const char *leaf = slash ? slash + 1 : target;
	int r;

	if (place == ENTRY_IMAGE_REF && digest_parse(span_of_string(leaf), ret) == 0)
		return 0;
	if (is_ref(place)) {
		if (!link_name_is_valid(leaf))
			return -EINVAL;
		(void)snprintf(path, sizeof(path), "%s/%s",
			       entry_folder(place == ENTRY_IMAGE_REF ? ENTRY_IMAGE : ENTRY_STREAM),
			       leaf);
		r = link_read(store->dir_fd, path, next, sizeof(next));
		if (r == -ENOENT || r == -ENOTDIR)
			return -ENOENT;
		if (r < 0 && r != -EINVAL)
			return diag_errno(why, r, "cannot read link '%s'", path);
		if (r == -EINVAL)
			return -EINVAL;
		target = next;
	}
	return digest_parse_path(span_of_string(target), ret);
}

/* Nothing is removed through a link that somebody put in place of a directory. */
static int folder_open(int dir_fd, const char *path)
{
	return fd_open_within(dir_fd, path, O_RDONLY | O_DIRECTORY,
			      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

int entry_remove(const struct store *store, enum entry_place place, const char *name,
		 struct diag *why)
{
	CLEAN(buf_release) struct buf path = {0};
	CLEAN(fd_closep) int dir_fd = -1;
	struct stat stat;
	const char *leaf;

	if (buf_printf(&path, "%s/%s", entry_folder(place), name) < 0 || !buf_string(&path))
		return -ENOMEM;
	leaf = strrchr(buf_string(&path), '/') + 1;
	path.data[leaf - (const char *)path.data - 1] = '\0';
	dir_fd = folder_open(store->dir_fd, (const char *)path.data);
	if (dir_fd < 0)
		return dir_fd == -ENOENT || dir_fd == -ENOTDIR || dir_fd == -ELOOP
			       ? -ENOENT
			       : diag_errno(why, dir_fd, "cannot open the directory of '%s'", name);
	if (fstatat(dir_fd, leaf, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -ENOENT
				       : diag_errno(why, -errno, "cannot stat '%s'", name);
	if (!S_ISLNK(stat.st_mode))
		return diag_set(why, -EINVAL, "'%s' is not a link", name);
	if (unlinkat(dir_fd, leaf, 0) < 0)
		return errno == ENOENT ? -ENOENT
				       : diag_errno(why, -errno, "cannot remove '%s'", name);
	/* Those in images/ and streams/ themselves are many: entries_sync() is for them. */
	if (is_ref(place) && fsync(dir_fd) < 0)
		return diag_errno(why, -errno, "cannot write the directory of '%s' to disk", name);
	return 0;
}

static int folder_sync(const struct store *store, const char *folder, struct diag *why)
{
	CLEAN(fd_closep) int fd = -1;

	fd = openat(store->dir_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fsync(fd) < 0)
		return diag_errno(why, -errno, "cannot write %s/ to disk", folder);
	return 0;
}

int entries_sync(const struct store *store, struct diag *why)
{
	int r = folder_sync(store, "images", why);

	return r < 0 ? r : folder_sync(store, "streams", why);
}

struct entry {
	const char *name;   /* in the arena, as all below */
	const char *target; /* NULL: not a link */
};

struct waiting {
	struct waiting *next;
	const char *name; /* "" is the folder itself */
};

struct listing {
	enum entry_place place;
	const char *folder;
	struct arena arena;
	struct buf entries; /* of struct entry */
	struct waiting *waiting;
};

static void listing_release(struct listing *listing)
{
	arena_release(&listing->arena);
	buf_release(&listing->entries);
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

static int add_link(struct listing *listing, int dir_fd, const char *place, const char *name,
		    struct diag *why)
{
	struct entry entry = {.name = name};
	char target[LINK_TARGET_SIZE];
	int r;

	r = link_read(dir_fd, place, target, sizeof(target));
	if (r == -ENOENT)
		return 0; /* removed meanwhile */
	if (r < 0 && r != -EINVAL)
		return diag_errno(why, r, "cannot read %s/%.300s", listing->folder, name);
	if (r == 0) {
		entry.target = arena_copy(&listing->arena, span_of_string(target));
		if (!entry.target)
			return -ENOMEM;
	}
	return buf_append(&listing->entries, &entry, sizeof(entry));
}

static int add_entry(struct listing *listing, int dir_fd, const char *parent, const char *entry,
		     struct diag *why)
{
	CLEAN(buf_release) struct buf path = {0};
	struct stat stat;
	char *name;

	if (is_passed_over(listing->place, parent, entry))
		return 0;
	if (buf_printf(&path, "%s%s%s", parent, parent[0] ? "/" : "", entry) < 0)
		return -ENOMEM;
	name = arena_copy(&listing->arena, buf_span(&path));
	if (!name)
		return -ENOMEM;
	if (path.size > LINK_NAME_SIZE_MAX)
		return diag_set(why, -E2BIG, "%s/%.100s... is too deep", listing->folder, name);
	if (fstatat(dir_fd, entry, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
				       : diag_errno(why, -errno, "cannot stat %s/%.300s",
						    listing->folder, name);
	if (S_ISDIR(stat.st_mode) && is_ref(listing->place))
		return add_directory(listing, name);
	return add_link(listing, dir_fd, entry, name, why);
}

static int read_directory(struct listing *listing, int folder_fd, const char *name,
			  struct diag *why)
{
	CLEAN(folder_closep) DIR *dir = NULL;
	CLEAN(fd_closep) int fd = -1;
	struct dirent *entry;

	fd = openat(folder_fd, name[0] ? name : ".",
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open %s/%.300s", listing->folder, name);
	dir = folder_read_taken(&fd);
	if (!dir)
		return diag_errno(why, -errno, "cannot read %s/%.300s", listing->folder, name);
	while ((errno = 0, entry = readdir(dir))) {
		int r = add_entry(listing, dirfd(dir), name, entry->d_name, why);

		if (r < 0)
			return r;
	}
	return errno ? diag_errno(why, -errno, "cannot read %s/%.300s", listing->folder, name) : 0;
}

static int read_all(struct listing *listing, const struct store *store, struct diag *why)
{
	CLEAN(fd_closep) int folder_fd = -1;
	int r;

	folder_fd = openat(store->dir_fd, listing->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder_fd < 0 && errno == ENOENT)
		return 0;
	if (folder_fd < 0)
		return diag_errno(why, -errno, "cannot open %s", listing->folder);
	r = add_directory(listing, "");
	while (r == 0 && listing->waiting) {
		const char *name = listing->waiting->name;

		listing->waiting = listing->waiting->next;
		r = read_directory(listing, folder_fd, name, why);
	}
	return r;
}

static int entry_order(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

int entries_each(const struct store *store, enum entry_place place, entry_visit *visit,
		 void *context, struct diag *why)
{
	CLEAN(listing_release)
	struct listing listing = {.place = place, .folder = entry_folder(place)};
	size_t count;
	int r;

	r = read_all(&listing, store, why);
	if (r < 0)
		return r;
	count = listing.entries.size / sizeof(struct entry);
	if (count)
		qsort(listing.entries.data, count, sizeof(struct entry), entry_order);
	for (size_t i = 0; i < count; i++) {
		const struct entry *entry = (const struct entry *)(void *)listing.entries.data + i;

		r = visit(context, entry->name, entry->target, why);
		if (r)
			return r;
	}
	return 0;
}
