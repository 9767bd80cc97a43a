/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest_set.h"
#include "base/fd.h"
#include "base/folder.h"
#include "base/limits.h"
#include "store/draft_private.h"
#include "store/entries.h"
#include "store/objects.h"
#include "store/quarantine.h"
#include "store/store_private.h"

struct sweeping {
	struct store *store;
	const struct sweep *sweep;
	enum entry_place place; /* that is being swept */
};

static void tell(const struct sweeping *sweeping, enum swept_kind kind, const char *name,
		 uint64_t size_bytes)
{
	const struct sweep *sweep = sweeping->sweep;

	if (sweep->tell)
		sweep->tell(sweep->context, &(struct swept){kind, name, size_bytes});
}

static enum swept_kind kind_of(enum entry_place place)
{
	switch (place) {
	case ENTRY_IMAGE:
		return SWEPT_IMAGE;
	case ENTRY_IMAGE_REF:
		return SWEPT_IMAGE_REF;
	case ENTRY_STREAM:
		return SWEPT_STREAM;
	case ENTRY_STREAM_REF:
		break;
	}
	return SWEPT_STREAM_REF;
}

/* Whether a link leads to something that is kept. What is no link of ours is left to fsck. */
static int entry_is_kept(const struct sweeping *sweeping, const char *name, const char *target,
			 struct diag *why)
{
	const struct sweep *sweep = sweeping->sweep;
	struct digest object;
	int r;

	if (!target)
		return 1;
	if (sweep->drops && sweep->drops(sweep->context, sweeping->place, name))
		return 0;
	r = entry_object(sweeping->store, sweeping->place, target, &object, why);
	if (r == -ENOENT)
		return 0;
	if (r == -EINVAL)
		return 1;
	if (r < 0)
		return r;
	return digest_set_has(sweep->kept, &object) &&
	       object_find(sweeping->store, &object, NULL) != -ENOENT;
}

static int sweep_entry(void *context, const char *name, const char *target, struct diag *why)
{
	const struct sweeping *sweeping = context;
	int r = entry_is_kept(sweeping, name, target, why);

	if (r != 0)
		return r < 0 ? r : 0;
	tell(sweeping, kind_of(sweeping->place), name, 0);
	if (sweeping->sweep->is_dry)
		return 0;
	r = entry_remove(sweeping->store, sweeping->place, name, why);
	return r == -ENOENT ? 0 : r;
}

static int sweep_entries(struct sweeping *sweeping, struct diag *why)
{
	static const enum entry_place places[] = {ENTRY_IMAGE_REF, ENTRY_STREAM_REF, ENTRY_IMAGE,
						  ENTRY_STREAM};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int r;

		sweeping->place = places[i];
		r = entries_each(sweeping->store, places[i], sweep_entry, sweeping, why);
		if (r < 0)
			return r;
	}
	return sweeping->sweep->is_dry ? 0 : entries_sync(sweeping->store, why);
}

static int64_t time_of(const struct stat *stat)
{
	return stat->st_mtim.tv_sec > stat->st_ctim.tv_sec ? stat->st_mtim.tv_sec
							   : stat->st_ctim.tv_sec;
}

int object_time(const struct store *store, const struct digest *name, int64_t *ret,
		struct diag *why)
{
	char path[DIGEST_PATH_SIZE_MAX];
	struct stat stat;

	if (fstatat(store->objects_fd, digest_path(name, path), &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -ENOENT
				       : diag_errno(why, -errno, "cannot stat object %s", path);
	*ret = time_of(&stat);
	return 0;
}

/* Remove a file that is old enough. Directories stay. */
static int sweep_file(const struct sweeping *sweeping, int dir_fd, const char *path,
		      enum swept_kind kind, const char *folder, struct diag *why)
{
	char name[NAME_SIZE_MAX + 64];
	struct stat stat;

	(void)snprintf(name, sizeof(name), "%s%s", folder, path);
	if (fstatat(dir_fd, path, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : diag_errno(why, -errno, "cannot stat %s", name);
	if (S_ISDIR(stat.st_mode) || time_of(&stat) > sweeping->sweep->before)
		return 0;
	tell(sweeping, kind, name, S_ISREG(stat.st_mode) ? (uint64_t)stat.st_size : 0);
	if (sweeping->sweep->is_dry)
		return 0;
	if (unlinkat(dir_fd, path, 0) < 0 && errno != ENOENT)
		return diag_errno(why, -errno, "cannot remove %s", name);
	return 0;
}

static bool is_temporary(const char *path, const char *prefix)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static int sweep_object(void *context, const char *path, const struct digest *name,
			struct diag *why)
{
	const struct sweeping *sweeping = context;
	int objects_fd = sweeping->store->objects_fd;

	if (name)
		return digest_set_has(sweeping->sweep->kept, name)
			       ? 0
			       : sweep_file(sweeping, objects_fd, path, SWEPT_OBJECT, "objects/",
					    why);
	if (is_temporary(path, OBJECT_PREFIX))
		return sweep_file(sweeping, objects_fd, path, SWEPT_TEMPORARY, "objects/", why);
	return 0; /* for fsck to report */
}

static bool is_swept(enum swept_kind kind, const char *name)
{
	return kind == SWEPT_QUARANTINED || is_temporary(name, OBJECT_PREFIX) ||
	       is_temporary(name, SYMLINK_PREFIX);
}

/* All files of a folder, or those that are temporary. */
static int sweep_folder(const struct sweeping *sweeping, int fd, const char *folder,
			enum swept_kind kind, struct diag *why)
{
	CLEAN(folder_closep) DIR *dir = folder_read(fd);
	struct dirent *entry;

	if (!dir)
		return diag_errno(why, -errno, "cannot read the repository");
	while ((errno = 0, entry = readdir(dir))) {
		int r;

		if (!is_swept(kind, entry->d_name))
			continue;
		r = sweep_file(sweeping, dirfd(dir), entry->d_name, kind, folder, why);
		if (r < 0)
			return r;
	}
	return errno ? diag_errno(why, -errno, "cannot read the repository") : 0;
}

static int sweep_leftovers(const struct sweeping *sweeping, struct diag *why)
{
	CLEAN(fd_closep) int fd = -1;
	int r;

	r = sweep_folder(sweeping, sweeping->store->dir_fd, "", SWEPT_TEMPORARY, why);
	if (r < 0)
		return r;
	fd = quarantine_open(sweeping->store, why);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return sweep_folder(sweeping, fd, "lamina/quarantine/", SWEPT_QUARANTINED, why);
}

int sweep_store(struct store *store, const struct sweep *sweep, struct diag *why)
{
	struct sweeping sweeping = {.store = store, .sweep = sweep};
	int r;

	if (!store->is_writable && !sweep->is_dry)
		return diag_set(why, -EROFS,
				"the repository has a feature that this program does not know and "
				"that forbids writing");
	r = sweep_entries(&sweeping, why);
	if (r == 0)
		r = store_each_object_file(store, sweep_object, &sweeping, why);
	return r < 0 ? r : sweep_leftovers(&sweeping, why);
}
