/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/idmapped.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/mountinfo.h"
#include "mount/path.h"

/* entry: of the directory that was cloned; empty where that is not known. */
static int idmap_refused(int err, const struct mount_entry *entry, struct diag *why)
{
	switch (err) {
	case -EPERM:
		if (entry->text && mount_entry_is_idmapped(entry))
			return diag_set(why, -EPERM,
					"the mount at '%s' has an id map already, and maps are not "
					"stacked",
					entry->target);
		return diag_set(why, -EPERM,
				"an idmapped mount needs CAP_SYS_ADMIN in the user namespace that "
				"owns the file system, and a mount without a map");
	case -EINVAL:
	case -ENOSYS:
		return diag_set(why, -EOPNOTSUPP,
				"%s%s cannot be idmapped on this kernel; ext4, xfs and btrfs can "
				"(Linux 5.15)",
				entry->text ? "a file system of type " : "the file system",
				entry->text ? entry->type : "");
	default:
		return diag_errno(why, err, "mount_setattr()");
	}
}

static int attributes_set(int mount_fd, struct mount_attr *attributes)
{
	return mount_setattr(mount_fd, "", AT_EMPTY_PATH, attributes, sizeof(*attributes)) < 0
		       ? -errno
		       : 0;
}

int mount_idmap(int mount_fd, int userns_fd, struct diag *why)
{
	struct mount_attr attributes = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (unsigned int)userns_fd,
	};
	int r = attributes_set(mount_fd, &attributes);

	return r < 0 ? idmap_refused(r, &(struct mount_entry){0}, why) : 0;
}

/* Give a clone of the directory dir_fd its map, before anybody else can see it. */
static int clone_idmap(int clone_fd, int dir_fd, int userns_fd, uint64_t attributes,
		       struct diag *why)
{
	struct mount_attr wanted = {
		.attr_set = MOUNT_ATTR_IDMAP | attributes,
		/* Or what is mounted below the directory later would appear here, unmapped. */
		.propagation = MS_PRIVATE,
		.userns_fd = (unsigned int)userns_fd,
	};
	CLEAN(mount_entry_release) struct mount_entry entry = {0};
	int r = attributes_set(clone_fd, &wanted);

	if (r == 0)
		return 0;
	(void)mount_entry_of(dir_fd, &entry, NULL);
	return idmap_refused(r, &entry, why);
}

static int directory_clone(int dir_fd, struct diag *why)
{
	int fd = open_tree(dir_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case EPERM:
		return diag_set(why, -EPERM,
				"cloning a mount needs CAP_SYS_ADMIN in the user namespace that "
				"owns the mount namespace");
	case EINVAL:
		return diag_set(why, -EINVAL,
				"the kernel will not clone its mount: it is not in this mount "
				"namespace, or a mount below it is locked");
	default:
		return diag_errno(why, -errno, "open_tree()");
	}
}

int mount_idmap_clone(int dir_fd, int userns_fd, uint64_t attributes, struct diag *why)
{
	CLEAN(fd_closep) int clone_fd = directory_clone(dir_fd, why);
	int r;

	if (clone_fd < 0)
		return clone_fd;
	r = clone_idmap(clone_fd, dir_fd, userns_fd, attributes, why);
	return r < 0 ? r : fd_take(&clone_fd);
}

void idmapped_pair_release(struct idmapped_pair *pair)
{
	fd_closep(&pair->work_fd);
	fd_closep(&pair->upper_fd);
	fd_closep(&pair->mount_fd);
}

static int different_mounts(int upper_fd, int work_fd, struct diag *why)
{
	CLEAN(mount_entry_release) struct mount_entry upper = {0};
	CLEAN(mount_entry_release) struct mount_entry work = {0};
	int r = mount_entry_of(upper_fd, &upper, why);

	if (r == 0)
		r = mount_entry_of(work_fd, &work, why);
	if (r < 0)
		return r;
	return diag_set(why, -EXDEV,
			"the upper directory is on the mount at '%s', the work directory on that "
			"at '%s': overlayfs wants them on one",
			upper.target, work.target);
}

/* The directory whose path is the first size bytes of path; it must be on mount mount_id. */
static int ancestor_open(const char *path, size_t size, uint32_t mount_id, struct diag *why)
{
	CLEAN(memory_freep) char *ancestor = size > 0 ? strndup(path, size) : strdup("/");
	CLEAN(fd_closep) int fd = -1;
	uint32_t id = 0;
	int r;

	if (!ancestor)
		return -ENOMEM;
	fd = open(ancestor, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open '%s'", ancestor);
	r = mount_id_of(fd, &id, why);
	if (r < 0)
		return r;
	if (id != mount_id)
		return diag_set(why, -ESTALE,
				"another mount covers '%s', where the upper and the work directory "
				"are",
				ancestor);
	return fd_take(&fd);
}

/* The directory at path below the clone, which must be the one that original_fd holds. */
static int beneath_open(int clone_fd, const char *path, int original_fd, struct diag *why)
{
	CLEAN(fd_closep)
	int fd = fd_open_within(clone_fd, path, O_PATH | O_DIRECTORY,
				RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	struct stat found, wanted;

	if (fd < 0)
		return diag_errno(why, fd, "'%s' cannot be reached from above", path);
	if (fstat(fd, &found) < 0 || fstat(original_fd, &wanted) < 0)
		return diag_errno(why, -errno, "'%s'", path);
	if (found.st_dev != wanted.st_dev || found.st_ino != wanted.st_ino)
		return diag_set(why, -ESTALE, "'%s' is another directory now", path);
	return fd_take(&fd);
}

static int pair_open(int upper_fd, int work_fd, struct idmapped_pair *pair, int *ret_ancestor,
		     struct diag *why)
{
	CLEAN(memory_freep) char *upper = NULL, *work = NULL;
	CLEAN(fd_closep) int ancestor_fd = -1;
	uint32_t upper_id = 0, work_id = 0;
	size_t common = 0;
	int r;

	r = mount_id_of(upper_fd, &upper_id, why);
	if (r == 0)
		r = mount_id_of(work_fd, &work_id, why);
	if (r == 0 && upper_id != work_id)
		r = different_mounts(upper_fd, work_fd, why);
	if (r == 0)
		r = fd_location(upper_fd, &upper, why);
	if (r == 0)
		r = fd_location(work_fd, &work, why);
	if (r == 0 && !paths_fork(upper, work, &common))
		r = diag_set(why, -EINVAL,
			     "the upper and the work directory are one, or one is in the other");
	if (r < 0)
		return r;
	ancestor_fd = ancestor_open(upper, common, upper_id, why);
	if (ancestor_fd < 0)
		return ancestor_fd;
	pair->mount_fd = directory_clone(ancestor_fd, why);
	if (pair->mount_fd < 0)
		return pair->mount_fd;
	pair->upper_fd = beneath_open(pair->mount_fd, upper + common + 1, upper_fd, why);
	if (pair->upper_fd < 0)
		return pair->upper_fd;
	pair->work_fd = beneath_open(pair->mount_fd, work + common + 1, work_fd, why);
	if (pair->work_fd < 0)
		return pair->work_fd;
	*ret_ancestor = fd_take(&ancestor_fd);
	return 0;
}

int mount_idmap_pair(int upper_fd, int work_fd, int userns_fd, struct idmapped_pair *ret,
		     struct diag *why)
{
	CLEAN(idmapped_pair_release) struct idmapped_pair pair = IDMAPPED_PAIR_EMPTY;
	CLEAN(fd_closep) int ancestor_fd = -1;
	int r;

	/* Mapped last: an owner on the way whom the map does not have would keep us out. */
	r = pair_open(upper_fd, work_fd, &pair, &ancestor_fd, why);
	if (r == 0)
		r = clone_idmap(pair.mount_fd, ancestor_fd, userns_fd, 0, why);
	if (r < 0)
		return r;
	*ret = pair;
	pair = IDMAPPED_PAIR_EMPTY; /* handed over */
	return 0;
}
