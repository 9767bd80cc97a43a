/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * scan.c - the walk
 *
 * One directory is open at a time: its names are read, then each is looked at, and the way back
 * from a sub-directory is "..", which must be the directory we came from.
 */
#include "tree/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/workers.h"
#include "tree/path.h"
#include "tree/scan_private.h"

/* An inode that has been met and has more names. */
struct scan_link {
	dev_t device;
	ino_t number;
	struct inode *inode;
};

static bool link_equal(const void *item, const void *key)
{
	const struct scan_link *a = item, *b = key;

	return a->device == b->device && a->number == b->number;
}

static uint32_t link_hash(const struct stat *st)
{
	return hash_bytes(span_of(&st->st_ino, sizeof(st->st_ino)), st->st_dev);
}

/* The directories from the root of the scan to where it is. */
struct level {
	struct level *above; /* owned */
	struct dentry *next; /* to look into: the walk goes on here */
	struct inode *inode;
	dev_t device;
	ino_t number;
};

struct walk {
	struct scan *scan;
	struct level *level; /* owned; NULL at the end */
	int fd;              /* owned; of level's directory */
	size_t depth;
};

static void inode_fill(const struct scan *scan, struct inode *inode, const struct stat *st)
{
	inode->mode = st->st_mode;
	inode->uid = st->st_uid;
	inode->gid = st->st_gid;
	if (!scan->options->use_epoch) {
		inode->mtime_sec = st->st_mtim.tv_sec;
		inode->mtime_nsec = (uint32_t)st->st_mtim.tv_nsec;
	}
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		inode->rdev = (uint32_t)st->st_rdev; /* glibc's low 32 bits are new_encode_dev */
}

/* Further name of an inode that was met before: link it. Returns 1 when it was, 0 when it is new.
 */
static int link_again(struct scan *scan, struct inode *dir, struct span name, const struct stat *st,
		      struct diag *why)
{
	const struct scan_link key = {.device = st->st_dev, .number = st->st_ino};
	struct scan_link *link;
	int r;

	if (scan->options->no_hard_links || st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return 0;
	link = map_find(&scan->links, link_hash(st), link_equal, &key);
	if (!link)
		return 0;
	r = tree_link(scan->tree, dir, name, link->inode, NULL, why);
	if (r < 0)
		return r;
	link->inode->nlink++;
	return 1;
}

static int link_remember(struct scan *scan, const struct stat *st, struct inode *inode)
{
	struct scan_link *link;

	if (scan->options->no_hard_links || st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return 0;
	link = arena_new(&scan->tree->arena, struct scan_link);
	if (!link)
		return -ENOMEM;
	*link = (struct scan_link){st->st_dev, st->st_ino, inode};
	return map_add(&scan->links, link_hash(st), link);
}

static int symlink_take(struct scan *scan, int dir_fd, struct dentry *dentry, struct diag *why)
{
	char target[SYMLINK_SIZE_MAX + 2];
	ssize_t size = readlinkat(dir_fd, dentry->name, target, sizeof(target));

	if (size < 0)
		return diag_errno(why, -errno, "read link");
	if (size > SYMLINK_SIZE_MAX)
		return diag_set(why, -ENAMETOOLONG, "target of more than %d bytes",
				SYMLINK_SIZE_MAX);
	return inode_target_set(scan->tree, dentry->inode, span_of(target, (size_t)size));
}

/*
 * Open a regular file that lstat just saw, without blocking on what may have taken its place.
 * O_NOATIME keeps the source as it was where we own it.
 */
static int file_open(int dir_fd, const char *name, struct stat *st, struct diag *why)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	CLEAN(fd_closep) int fd = openat(dir_fd, name, flags | O_NOATIME);
	struct stat opened;

	if (fd < 0 && errno == EPERM)
		fd = openat(dir_fd, name, flags);
	if (fd < 0)
		return diag_errno(why, -errno, "open");
	if (fstat(fd, &opened) < 0)
		return diag_errno(why, -errno, "stat");
	if (opened.st_dev != st->st_dev || opened.st_ino != st->st_ino || !S_ISREG(opened.st_mode))
		return diag_set(why, -ESTALE, "another file took its place");
	*st = opened;
	return fd_take(&fd);
}

static int regular_take(struct scan *scan, int dir_fd, struct dentry *dentry, struct stat *st,
			struct diag *why)
{
	CLEAN(fd_closep) int fd = file_open(dir_fd, dentry->name, st, why);
	int r;

	if (fd < 0)
		return fd;
	inode_fill(scan, dentry->inode, st);
	r = scan_xattrs(scan, fd, NULL, dentry->inode, why);
	if (r < 0)
		return r;
	return scan_file(scan, fd_take(&fd), st, dentry, why);
}

/* What is known of a new dentry's inode without going below it. */
static int dentry_take(struct scan *scan, int dir_fd, struct dentry *dentry, struct stat *st,
		       struct diag *why)
{
	int r = 0;

	if (S_ISREG(st->st_mode))
		return regular_take(scan, dir_fd, dentry, st, why);
	inode_fill(scan, dentry->inode, st);
	if (S_ISDIR(st->st_mode))
		return 0; /* its xattrs come when it is open */
	if (S_ISLNK(st->st_mode))
		r = symlink_take(scan, dir_fd, dentry, why);
	return r < 0 ? r : scan_xattrs(scan, dir_fd, dentry->name, dentry->inode, why);
}

static int name_take(struct scan *scan, int dir_fd, struct inode *dir, const char *name,
		     struct diag *why)
{
	struct dentry *dentry;
	struct inode *inode;
	struct stat st;
	int r;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? diag_set(why, -ESTALE, "'%s' vanished", name)
				       : diag_errno(why, -errno, "stat '%s'", name);
	if (scan->options->skip_devices && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
		return 0;
	r = link_again(scan, dir, span_of_string(name), &st, why);
	if (r)
		return r < 0 ? r : 0;
	inode = tree_inode_new(scan->tree, st.st_mode);
	if (!inode)
		return -ENOMEM;
	r = tree_link(scan->tree, dir, span_of_string(name), inode, &dentry, why);
	if (r == 0)
		r = link_remember(scan, &st, inode);
	if (r == 0)
		r = dentry_take(scan, dir_fd, dentry, &st, why);
	return r < 0 ? dentry_wrap(dentry, why, r) : 0;
}

/* Read one directory: its own xattrs, and every name in it. */
static int directory_take(struct scan *scan, int dir_fd, struct inode *dir, struct diag *why)
{
	int listing_fd, r;
	struct dirent *entry;
	DIR *listing;

	r = scan_xattrs(scan, dir_fd, NULL, dir, why);
	if (r < 0)
		return r;
	listing_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	listing = listing_fd < 0 ? NULL : fdopendir(listing_fd);
	if (!listing) {
		r = diag_errno(why, -errno, "open directory");
		fd_close(listing_fd);
		return r;
	}
	while (r == 0 && (errno = 0, entry = readdir(listing))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = name_take(scan, dir_fd, dir, entry->d_name, why);
	}
	if (r == 0 && errno)
		r = diag_errno(why, -errno, "read directory");
	(void)closedir(listing);
	return r;
}

static int level_enter(struct walk *walk, int fd, struct inode *inode, struct diag *why)
{
	struct level *level = calloc(1, sizeof(*level));
	struct stat st;
	int r;

	if (!level)
		return -ENOMEM;
	level->above = walk->level;
	walk->level = level;
	walk->depth++;
	if (fstat(fd, &st) < 0)
		return diag_errno(why, -errno, "stat");
	level->device = st.st_dev;
	level->number = st.st_ino;
	level->inode = inode;
	inode_fill(walk->scan, inode, &st);
	r = directory_take(walk->scan, fd, inode, why);
	level->next = inode->dir.first;
	return r;
}

static int child_enter(struct walk *walk, struct dentry *child, struct diag *why)
{
	int fd, r;

	if (walk->depth > DEPTH_MAX)
		return diag_set(why, -E2BIG, "deeper than %d directories", DEPTH_MAX);
	fd = openat(walk->fd, child->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		r = diag_errno(why, -errno, "open directory");
		return dentry_wrap(child, why, r);
	}
	fd_close(walk->fd);
	walk->fd = fd;
	r = level_enter(walk, fd, child->inode, why);
	/* Messages about what is in the directory have their path already. */
	return r;
}

/* Back to the directory above, if it still is where we came from. */
static int level_leave(struct walk *walk, struct diag *why)
{
	struct level *done = walk->level;
	struct stat st;
	int fd;

	walk->level = done->above;
	walk->depth--;
	free(done);
	if (!walk->level)
		return 0;
	fd = openat(walk->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(why, -errno, "go back to the parent directory");
	fd_close(walk->fd);
	walk->fd = fd;
	if (fstat(fd, &st) < 0 || st.st_dev != walk->level->device ||
	    st.st_ino != walk->level->number)
		return diag_set(why, -ESTALE, "a directory was moved during the scan");
	return 0;
}

static void walk_release(struct walk *walk)
{
	while (walk->level) {
		struct level *level = walk->level;

		walk->level = level->above;
		free(level);
	}
	fd_close(walk->fd);
}

static int walk_run(struct walk *walk, struct diag *why)
{
	int r = level_enter(walk, walk->fd, walk->scan->tree->root, why);

	while (r == 0 && walk->level) {
		struct dentry *next = walk->level->next;

		if (!next) {
			r = level_leave(walk, why);
			continue;
		}
		walk->level->next = next->next;
		if (inode_is_dir(next->inode))
			r = child_enter(walk, next, why);
	}
	return r;
}

static int scan_run(struct scan *scan, int dir_fd, struct diag *why)
{
	struct walk walk = {.scan = scan};
	struct diag worker_why = {0};
	int r, worker_error;

	r = workers_new(scan->options->thread_count, scan_job_run, scan_job_drop, scan,
			&scan->workers);
	if (r < 0)
		return diag_errno(why, r, "start threads");
	walk.fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = walk.fd < 0 ? diag_errno(why, -errno, "open directory") : walk_run(&walk, why);
	walk_release(&walk);
	worker_error = workers_finish(scan->workers, &worker_why);
	if (worker_error) {
		/* It came first: the walk stopped because of it, if at all. */
		if (why)
			*why = worker_why;
		return worker_error;
	}
	return r;
}

int tree_scan(int dir_fd, const struct scan_options *options, struct tree **ret, struct diag *why)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct scan scan = {.options = options, .tree = tree};
	struct inode *root = tree ? tree_inode_new(tree, S_IFDIR) : NULL;
	int r;

	if (!root)
		return -ENOMEM;
	r = tree_root_set(tree, root, why);
	if (r == 0)
		r = scan_run(&scan, dir_fd, why);
	map_release(&scan.links);
	buf_release(&scan.xattr_names);
	buf_release(&scan.xattr_value);
	if (r < 0)
		return r;
	r = tree_primaries_set(tree);
	if (r < 0)
		return r;
	*ret = TAKE(tree);
	return 0;
}
