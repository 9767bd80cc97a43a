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

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "store/draft_private.h"
#include "store/store_private.h"
#include "store/streams.h"

#define NAMES "names"
#define DRAFT_PREFIX ".tmp-lazy-"
#define DEPTH 3 /* files/, its 256 folders, and what is in them */

_Static_assert(sizeof(((struct lazy_draft *)NULL)->name) == TEMPORARY_NAME_SIZE, "the same text");

/* Places */

static int place_open(const struct store *store, bool makes, struct diag *why)
{
	CLEAN(fd_closep) int ours = folder_open(store->dir_fd, "lamina", makes, why);

	return ours < 0 ? ours : folder_open(ours, "lazy", makes, why);
}

static int names_open(const struct store *store, bool makes, struct diag *why)
{
	CLEAN(fd_closep) int place = place_open(store, makes, why);

	return place < 0 ? place : folder_open(place, NAMES, makes, why);
}

char *lazy_folder_name(const struct digest *manifest, char *text)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)snprintf(text, LAZY_FOLDER_SIZE_MAX, "%s-%s",
		       digest_algorithm_name((enum digest_algorithm)manifest->algorithm),
		       digest_hex(manifest, hex));
	return text;
}

static bool folder_name_parse(const char *text, struct digest *ret)
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
	CLEAN(dir_closep) DIR *dir = NULL;
	const struct dirent *entry;
	int fd;

	if (unlinkat(parent_fd, name, 0) == 0 || (errno != EISDIR && errno != EPERM) || depth == 0)
		return;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		fd_close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (!is_dots(entry->d_name))
			tree_remove(dirfd(dir), entry->d_name, depth - 1);
	}
	(void)unlinkat(parent_fd, name, AT_REMOVEDIR);
}

/* Making */

int lazy_draft_open(const struct store *store, struct lazy_draft *ret, struct diag *why)
{
	CLEAN(lazy_draft_release) struct lazy_draft draft = LAZY_DRAFT_NONE;
	int r;

	draft.parent_fd = place_open(store, true, why);
	if (draft.parent_fd < 0)
		return draft.parent_fd;
	r = temporary_name(DRAFT_PREFIX, draft.name);
	if (r < 0)
		return diag_set(why, r, "no random bytes for a temporary name");
	draft.fd = folder_open(draft.parent_fd, draft.name, true, why);
	if (draft.fd < 0)
		return draft.fd;
	*ret = draft;
	draft = LAZY_DRAFT_NONE;
	return 0;
}

void lazy_draft_release(struct lazy_draft *draft)
{
	int saved = errno;

	if (draft->name[0])
		tree_remove(draft->parent_fd, draft->name, DEPTH);
	fd_close(draft->fd);
	fd_close(draft->parent_fd);
	*draft = LAZY_DRAFT_NONE;
	errno = saved;
}

int lazy_draft_file(struct lazy_draft *draft, const char *name, struct span bytes, struct diag *why)
{
	CLEAN(fd_closep)
	int fd = openat(draft->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : fd_write(fd, bytes.data, bytes.size);

	return r < 0 ? diag_errno(why, r, "cannot write '%s'", name) : 0;
}

int lazy_draft_commit(struct lazy_draft *draft, const struct digest *manifest, struct diag *why)
{
	char name[LAZY_FOLDER_SIZE_MAX];

	if (syncfs(draft->fd) < 0)
		return diag_errno(why, -errno, "cannot write the folder to disk");
	(void)lazy_folder_name(manifest, name);
	if (renameat(draft->parent_fd, draft->name, draft->parent_fd, name) == 0)
		draft->name[0] = '\0';
	else if (errno != EEXIST && errno != ENOTEMPTY)
		return diag_errno(why, -errno, "cannot give the folder its name");
	if (fsync(draft->parent_fd) < 0)
		return diag_errno(why, -errno, "cannot write the folder to disk");
	return 0;
}

/* Contents */

struct contents_draft {
	struct draft draft;
	int contents_fd; /* borrowed */
};

int contents_draft_open(int contents_fd, struct contents_draft **ret, struct diag *why)
{
	CLEAN(contents_draft_closep) struct contents_draft *draft = calloc(1, sizeof(*draft));
	int r;

	if (!draft)
		return -ENOMEM;
	draft->draft = DRAFT_NONE;
	draft->contents_fd = contents_fd;
	r = draft_open(contents_fd, &draft->draft, why);
	if (r == 0)
		*ret = TAKE(draft);
	return r;
}

void contents_draft_close(struct contents_draft *draft)
{
	if (!draft)
		return;
	draft_release(&draft->draft);
	free(draft);
}

void contents_draft_closep(struct contents_draft **draft)
{
	contents_draft_close(*draft);
	*draft = NULL;
}

int contents_draft_fd(const struct contents_draft *draft)
{
	return draft->draft.fd;
}

/* The path of contents below files/, with its folder made. 0 or -errno. */
static int contents_path(int contents_fd, const struct digest *contents,
			 char path[DIGEST_PATH_SIZE_MAX])
{
	(void)digest_path(contents, path);
	path[2] = '\0';
	if (mkdirat(contents_fd, path, 0755) < 0 && errno != EEXIST)
		return -errno;
	path[2] = '/';
	return 0;
}

int contents_draft_link(struct contents_draft *draft, const struct digest *contents,
			struct diag *why)
{
	char path[DIGEST_PATH_SIZE_MAX];
	int r = contents_path(draft->contents_fd, contents, path);

	if (r < 0)
		return diag_errno(why, r, "cannot make a folder for contents");
	r = draft_link(&draft->draft, draft->contents_fd, path, why);
	return r == -EEXIST ? 0 : r;
}

int contents_link(int dir_fd, const char *path, int contents_fd, const struct digest *contents)
{
	char target[DIGEST_PATH_SIZE_MAX];
	int r = contents_path(contents_fd, contents, target);

	if (r == 0 && linkat(dir_fd, path, contents_fd, target, 0) < 0 && errno != EEXIST)
		r = -errno;
	return r;
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
	CLEAN(fd_closep) int place = place_open(store, false, why);
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
	CLEAN(fd_closep) int place = place_open(store, false, why);
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
	CLEAN(fd_closep) int place = place_open(store, false, why);
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
	r = temporary_name(DRAFT_PREFIX, gone);
	if (r == 0 && renameat(place, name, place, gone) < 0)
		r = -errno;
	if (r < 0)
		return diag_errno(why, r, "cannot take the folder away");
	tree_remove(place, gone, DEPTH);
	return 0;
}

/* Names */

static int name_encode(const char *tag, struct buf *ret)
{
	int r = stream_name_encode(span_of_string(tag), ret);

	return r < 0 || !buf_string(ret) ? -ENOMEM : 0;
}

int lazy_name_set(const struct store *store, const char *tag, const struct digest *manifest,
		  struct diag *why)
{
	CLEAN(fd_closep) int names = names_open(store, true, why);
	CLEAN(buf_release) struct buf encoded = {0};
	char target[LAZY_FOLDER_SIZE_MAX], name[TEMPORARY_NAME_SIZE];
	int r;

	if (names < 0)
		return names;
	r = name_encode(tag, &encoded);
	if (r == 0)
		r = temporary_name(DRAFT_PREFIX, name);
	if (r < 0)
		return r;
	if (symlinkat(lazy_folder_name(manifest, target), names, name) < 0)
		return diag_errno(why, -errno, "cannot make a name");
	if (renameat(names, name, names, buf_string(&encoded)) < 0 || fsync(names) < 0) {
		r = -errno;
		(void)unlinkat(names, name, 0);
		return diag_errno(why, r, "cannot set the name '%.200s'", tag);
	}
	return 0;
}

static int name_read(int names, const char *encoded, struct digest *ret)
{
	char target[LAZY_FOLDER_SIZE_MAX];
	ssize_t size = readlinkat(names, encoded, target, sizeof(target));

	if (size < 0 || (size_t)size >= sizeof(target))
		return -ENOENT;
	target[size] = '\0';
	return folder_name_parse(target, ret) ? 0 : -ENOENT;
}

int lazy_name_get(const struct store *store, const char *tag, struct digest *ret)
{
	CLEAN(fd_closep) int names = names_open(store, false, NULL);
	CLEAN(buf_release) struct buf encoded = {0};
	int r;

	if (names < 0)
		return -ENOENT;
	r = name_encode(tag, &encoded);
	return r < 0 ? r : name_read(names, buf_string(&encoded), ret);
}

int lazy_name_remove(const struct store *store, const char *tag, struct diag *why)
{
	CLEAN(fd_closep) int names = names_open(store, false, why);
	CLEAN(buf_release) struct buf encoded = {0};
	int r;

	if (names < 0)
		return names;
	r = name_encode(tag, &encoded);
	if (r < 0)
		return r;
	if (unlinkat(names, buf_string(&encoded), 0) < 0)
		return errno == ENOENT || errno == ENAMETOOLONG
			       ? -ENOENT
			       : diag_errno(why, -errno, "cannot remove the name");
	return fsync(names) < 0 ? diag_errno(why, -errno, "cannot remove the name") : 0;
}

/* Listing */

/* The entries of a folder, in a reader of its own. NULL with *ret_error. */
static DIR *listing_open(int fd, int *ret_error)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	*ret_error = dir ? 0 : -errno;
	if (!dir)
		fd_close(copy);
	return dir;
}

int lazy_names_each(const struct store *store, lazy_name_visit *visit, void *context,
		    struct diag *why)
{
	CLEAN(fd_closep) int names = names_open(store, false, why);
	CLEAN(dir_closep) DIR *dir = NULL;
	const struct dirent *entry;
	int r;

	if (names < 0)
		return names == -ENOENT ? 0 : names;
	dir = listing_open(names, &r);
	while (r == 0 && (entry = readdir(dir))) {
		CLEAN(buf_release) struct buf tag = {0};
		struct digest manifest;

		if (strncmp(entry->d_name, DRAFT_PREFIX, strlen(DRAFT_PREFIX)) == 0 ||
		    name_read(names, entry->d_name, &manifest) < 0 ||
		    stream_name_decode(span_of_string(entry->d_name), &tag) < 0 ||
		    !buf_string(&tag))
			continue;
		r = visit(context, buf_string(&tag), &manifest, why);
	}
	return r;
}

int lazies_each(const struct store *store, lazy_visit *visit, void *context, struct diag *why)
{
	CLEAN(fd_closep) int place = place_open(store, false, why);
	CLEAN(dir_closep) DIR *dir = NULL;
	const struct dirent *entry;
	int r;

	if (place < 0)
		return place == -ENOENT ? 0 : place;
	dir = listing_open(place, &r);
	while (r == 0 && (entry = readdir(dir))) {
		struct digest manifest;

		if (folder_name_parse(entry->d_name, &manifest))
			r = visit(context, &manifest, why);
	}
	return r;
}

static void tidy(int fd)
{
	CLEAN(dir_closep) DIR *dir = NULL;
	const struct dirent *entry;
	int r;

	dir = listing_open(fd, &r);
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, DRAFT_PREFIX, strlen(DRAFT_PREFIX)) == 0)
			tree_remove(fd, entry->d_name, DEPTH);
	}
}

void lazies_tidy_locked(const struct store *store)
{
	CLEAN(fd_closep) int place = place_open(store, false, NULL);
	CLEAN(fd_closep) int names = -1;

	if (place < 0)
		return;
	tidy(place);
	names = folder_open(place, NAMES, false, NULL);
	if (names >= 0)
		tidy(names);
}
