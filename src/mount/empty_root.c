/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/empty_root.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/context.h"

/* A detached tmpfs that nothing can be made in. */
static int empty_mount(struct diag *why)
{
	CLEAN(context_close) struct mount_context context = MOUNT_CONTEXT_EMPTY;
	int r;

	r = context_open(&context, "tmpfs", why);
	if (r == 0)
		r = context_string(&context, "size", "0", why);
	if (r == 0)
		r = context_create(&context, why);
	if (r < 0)
		return r;
	return context_mount(
		&context,
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, why);
}

/*
 * The empty mount on top of the old root, then the two change places and the old one goes
 * (pivot_root(2), "pivot_root(".", ".")").
 */
static int root_change(int empty_fd, struct diag *why)
{
	if (move_mount(empty_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return diag_errno(why, -errno, "attach an empty root");
	if (fchdir(empty_fd) < 0)
		return diag_errno(why, -errno, "enter the empty root");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return diag_errno(why, -errno, "pivot to the empty root");
	if (umount2(".", MNT_DETACH) < 0)
		return diag_errno(why, -errno, "let go of the old root");
	return chdir("/") < 0 ? diag_errno(why, -errno, "enter the root") : 0;
}

int empty_root_enter(struct diag *why)
{
	CLEAN(fd_closep) int empty_fd = -1;

	if (unshare(CLONE_NEWNS) < 0)
		return diag_errno(why, -errno, "a mount namespace of its own");
	/* Nothing that happens here is seen outside, and the other way round. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return diag_errno(why, -errno, "make mounts private");
	empty_fd = empty_mount(why);
	return empty_fd < 0 ? empty_fd : root_change(empty_fd, why);
}
