/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/lazies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/folder.h"
#include "store/draft_private.h"
#include "store/lazies_private.h"
#include "store/store_private.h"

#define DEPTH 3 /* files/, its 256 folders, and what is in them */

int lazy_place_open(const struct store *store, bool makes, struct diag *why)
{
	CLEAN(fd_closep) int ours = folder_open(store->dir_fd, "lamina", makes, why);

	return ours < 0 ? ours : folder_open(ours, "lazy", makes, why);
}

char *lazy_folder_name(const struct digest *manifest, char *text)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)snprintf(text, LAZY_FOLDER_SIZE_MAX, "%s-%s",
		       digest_algorithm_name((enum digest_algorithm)manifest->algorithm),
		       digest_hex(manifest, hex));
	return text;
}

bool lazy_folder_name_parse(const char *text, struct digest *ret)
{
	const char *dash = strchr(text, '-');
	struct digest digest;

	if (!dash || digest_parse(span_of_string(dash + 1), &digest) < 0 ||
	    digest_algorithm_by_name(span_of(text, (size_t)(dash - text))) !=
		    (enum digest_algorithm)digest.algorithm)
		return false;
	*ret = digest;
	return true;
}

/* Taking away */

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void tree_remove(int parent_fd, const char *name, int depth)
{
	CLEAN(folder_closep) DIR *dir = NULL;
	const struct dirent *entry;

	if (unlinkat(parent_fd, name, 0) == 0 || (errno != EISDIR && errno != EPERM) || depth == 0)
		return;
	dir = folder_read_at(parent_fd, name);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (!is_dots(entry->d_name))
			tree_remove(dirfd(dir), entry->d_name, depth - 1);
	}
	(void)unlinkat(parent_fd, name, AT_REMOVEDIR);
}

void lazy_entry_remove(int parent_fd, const char *name)
{
	tree_remove(parent_fd, name, DEPTH);
}

/* Using */

static int lock(int fd, int operation)
{
	int r;

	do
		r = flock(fd, operation);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static bool is_still(int parent_fd, const char *name, int fd)
{
	struct stat named, opened;

	return fstatat(parent_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(fd, &opened) == 0 && named.st_dev == opened.st_dev &&
	       named.st_ino == opened.st_ino;
}

int lazy_folder_open(const struct store *store, const struct digest *manifest, struct diag *why)
{
	CLEAN(fd_closep) int place = lazy_place_open(store, false, why);
	char name[LAZY_FOLDER_SIZE_MAX];

	if (place < 0)
		return place;
	(void)lazy_folder_name(manifest, name);
	/* One that is taken away before we had the lock is no folder any more. */
	for (;;) {
		CLEAN(fd_closep) int fd = folder_open(place, name, false, why);
		int r = fd < 0 ? fd : lock(fd, LOCK_SH);

		if (r < 0)
			return fd < 0 ? r : diag_errno(why, r, "cannot lock the folder");
		if (is_still(place, name, fd))
			return fd_take(&fd);
	}
}

int lazy_folder_is_idle(const struct store *store, const struct digest *manifest, struct diag *why)
{
	CLEAN(fd_closep) int place = lazy_place_open(store, false, why);
	CLEAN(fd_closep) int fd = -1;
	char name[LAZY_FOLDER_SIZE_MAX];
	int r;

	if (place < 0)
		return place;
	fd = folder_open(place, lazy_folder_name(manifest, name), false, why);
	if (fd < 0)
		return fd;
	r = lock(fd, LOCK_EX | LOCK_NB);
	if (r < 0 && r != -EWOULDBLOCK)
		return diag_errno(why, r, "cannot lock the folder");
	return r == 0;
}

int lazy_folder_remove(const struct store *store, const struct digest *manifest, struct diag *why)
{
	CLEAN(fd_closep) int place = lazy_place_open(store, false, why);
	CLEAN(fd_closep) int fd = -1;
	char name[LAZY_FOLDER_SIZE_MAX], gone[TEMPORARY_NAME_SIZE];
	int r;

	if (place < 0)
		return place == -ENOENT ? 0 : place;
	fd = folder_open(place, lazy_folder_name(manifest, name), false, why);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = lock(fd, LOCK_EX | LOCK_NB);
	if (r == -EWOULDBLOCK)
		return -EBUSY;
	if (r < 0)
		return diag_errno(why, r, "cannot lock the folder");
	if (!is_still(place, name, fd))
		return 0;
	/* Under another name first: a folder is whole, or it is not there. */
	r = temporary_name(LAZY_DRAFT_PREFIX, gone);
	if (r == 0 && renameat(place, name, place, gone) < 0)
		r = -errno;
	if (r < 0)
		return diag_errno(why, r, "cannot take the folder away");
	lazy_entry_remove(place, gone);
	return 0;
}

/* Measuring */

static void tree_measure(int parent_fd, const char *name, int depth, struct lazy_size *size)
{
	CLEAN(folder_closep) DIR *dir = NULL;
	const struct dirent *entry;
	struct stat stat;

	if (fstatat(parent_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISREG(stat.st_mode) && stat.st_nlink == 1) {
		size->count++;
		size->bytes += (uint64_t)stat.st_size;
	}
	if (!S_ISDIR(stat.st_mode) || depth == 0)
		return;
	dir = folder_read_at(parent_fd, name);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (!is_dots(entry->d_name))
			tree_measure(dirfd(dir), entry->d_name, depth - 1, size);
	}
}

int lazy_folder_measure(const struct store *store, const struct digest *manifest,
			struct lazy_size *ret, struct diag *why)
{
	CLEAN(fd_closep) int place = lazy_place_open(store, false, why);
	struct lazy_size size = {0};
	char name[LAZY_FOLDER_SIZE_MAX];

	if (place < 0)
		return place;
	if (faccessat(place, lazy_folder_name(manifest, name), F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	tree_measure(place, name, DEPTH, &size);
	*ret = size;
	return 0;
}

/* Listing */

int lazies_each(const struct store *store, lazy_visit *visit, void *context, struct diag *why)
{
	CLEAN(fd_closep) int place = lazy_place_open(store, false, why);
	CLEAN(folder_closep) DIR *dir = NULL;
	const struct dirent *entry;
	int r;

	if (place < 0)
		return place == -ENOENT ? 0 : place;
	dir = folder_read(place);
	r = dir ? 0 : -errno;
	while (r == 0 && (entry = readdir(dir))) {
		struct digest manifest;

		if (lazy_folder_name_parse(entry->d_name, &manifest))
			r = visit(context, &manifest, why);
	}
	return r;
}

static void tidy(int fd)
{
	CLEAN(folder_closep) DIR *dir = folder_read(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, LAZY_DRAFT_PREFIX, strlen(LAZY_DRAFT_PREFIX)) == 0)
			lazy_entry_remove(fd, entry->d_name);
	}
}

void lazies_tidy_locked(const struct store *store)
{
	CLEAN(fd_closep) int place = lazy_place_open(store, false, NULL);
	CLEAN(fd_closep) int names = -1;

	if (place < 0)
		return;
	tidy(place);
	names = lazy_names_open(store, false, NULL);
	if (names >= 0)
		tidy(names);
}
