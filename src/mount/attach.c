/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/fusermount.h"
#include "mount/mountinfo.h"
#include "mount/path.h"

int mount_target_open(const char *path, struct diag *why)
{
	CLEAN(fd_closep) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statx st;

	/* What is cached would hide that nobody is there any more. */
	if (fd >= 0 && statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_TYPE, &st) < 0 &&
	    (errno == ENOTCONN || errno == ECONNABORTED))
		return diag_set(why, -ENOTCONN,
				"the mount point is on a mount whose server is gone; lamina umount "
				"takes that away");
	if (fd >= 0)
		return fd_take(&fd);
	if (errno == ENOTDIR)
		return diag_set(why, -ENOTDIR, "the mount point is not a directory");
	return diag_errno(why, -errno, "cannot open the mount point");
}

int mount_attach(int mount_fd, int target_fd, struct diag *why)
{
	if (move_mount(mount_fd, "", target_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0)
		return 0;
	switch (errno) {
	case EPERM:
		return diag_set(why, -EPERM,
				"attaching needs CAP_SYS_ADMIN in the user namespace that owns the "
				"mount namespace");
	case EINVAL:
		return diag_set(why, -EINVAL,
				"the kernel will not attach it there: the target is not in this "
				"mount namespace, or the mount is attached already");
	default:
		return diag_errno(why, -errno, "cannot attach the mount");
	}
}

/*
 * The mount point as parent directory and name: umount2(2) takes no descriptor, but does not follow
 * a link in the last name of "/proc/self/fd/<parent>/<name>". An O_PATH descriptor of the mount
 * itself would make it busy.
 */
struct mount_point {
	int parent_fd; /* owned */
	char name[NAME_MAX + 1];
};

static void mount_point_release(struct mount_point *point)
{
	fd_closep(&point->parent_fd);
}

/* target is absolute and without links, as the kernel gave it. */
static int mount_point_open(const char *target, struct mount_point *ret, struct diag *why)
{
	CLEAN(memory_freep) char *parent = strdup(target);
	char *slash = parent ? strrchr(parent, '/') : NULL;
	int fd;

	if (!parent)
		return -ENOMEM;
	if (!slash || !slash[1] || strlen(slash + 1) > NAME_MAX)
		return diag_set(why, -EINVAL, "the root directory cannot be unmounted");
	(void)snprintf(ret->name, sizeof(ret->name), "%s", slash + 1);
	slash[slash == parent ? 1 : 0] = '\0';
	fd = open(parent, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open the directory above the mount point");
	ret->parent_fd = fd;
	return 0;
}

/* Whether the entry is still what is mounted at the point. */
static int mount_point_check(const struct mount_point *point, const struct mount_entry *entry,
			     struct diag *why)
{
	CLEAN(mount_entry_release) struct mount_entry now = {0};
	CLEAN(fd_closep)
	int fd = openat(point->parent_fd, point->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return diag_errno(why, -errno, "cannot open the mount point");
	r = mount_entry_of(fd, &now, why);
	if (r < 0)
		return r;
	if (now.id != entry->id)
		return diag_set(why, -ESTALE, "something else is mounted there now");
	return 0;
}

static int unmount_failed(const struct mount_entry *entry, int err, struct diag *why)
{
	switch (err) {
	case -EBUSY:
		return diag_set(why, err,
				"it is in use: a process has a file or its working "
				"directory there, or another mount uses it");
	case -EINVAL:
		return diag_set(why, err,
				"it belongs to the parent of this mount namespace and is "
				"locked");
	case -EPERM:
		return diag_set(why, err,
				"unmounting %s needs CAP_SYS_ADMIN in the user namespace that owns "
				"the mount namespace",
				entry->type);
	default:
		return diag_errno(why, err, "umount2()");
	}
}

static int mount_point_unmount(const struct mount_point *point, const struct mount_entry *entry,
			       bool lazy, struct diag *why)
{
	char path[sizeof(struct fd_path) + 1 + sizeof(point->name)];

	(void)snprintf(path, sizeof(path), "%s/%s", fd_path(point->parent_fd).text, point->name);
	if (umount2(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	if (errno == EPERM && strncmp(entry->type, "fuse", 4) == 0)
		return fusermount_unmount(entry->target, lazy, why);
	return unmount_failed(entry, -errno, why);
}

int mount_detach(const char *path, const struct mount_detach_options *options, struct diag *why)
{
	CLEAN(mount_point_release) struct mount_point point = {.parent_fd = -1};
	CLEAN(mount_entry_release) struct mount_entry entry = {0};
	int r;

	r = mount_entry_at(path, &entry, why);
	if (r < 0)
		return r;
	/* A clone of a directory carries no label of ours: that it has a map has to do. */
	if (!options->foreign && !mount_entry_is_ours(&entry) && !mount_entry_is_idmapped(&entry))
		return diag_set(why, -EPERM, "it is a mount of %s from '%s', not one of lamina",
				entry.type, entry.source);
	r = mount_point_open(entry.target, &point, why);
	if (r < 0)
		return r;
	r = mount_point_check(&point, &entry, why);
	if (r < 0)
		return r;
	return mount_point_unmount(&point, &entry, options->lazy, why);
}
