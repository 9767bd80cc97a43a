/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/context.h"

void scratch_release(struct scratch *scratch)
{
	fd_closep(&scratch->work_fd);
	fd_closep(&scratch->upper_fd);
	fd_closep(&scratch->mount_fd);
}

static int memory_mount(struct diag *why)
{
	CLEAN(context_close) struct mount_context context = MOUNT_CONTEXT_EMPTY;
	int r;

	r = context_open(&context, "tmpfs", why);
	if (r == 0)
		r = context_string(&context, "mode", "0700", why);
	if (r == 0)
		r = context_create(&context, why);
	return r < 0 ? r : context_mount(&context, 0, why);
}

static int directory_make(int mount_fd, const char *name, struct diag *why)
{
	int fd;

	if (mkdirat(mount_fd, name, 0700) < 0)
		return diag_errno(why, -errno, "cannot make the layer in memory");
	fd = openat(mount_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? diag_errno(why, -errno, "cannot open the layer in memory") : fd;
}

/* Owners that this user namespace does not have stay with whoever mounts. */
static int take_after(int upper_fd, int lower_fd, struct diag *why)
{
	struct stat st;

	if (fstat(lower_fd, &st) < 0)
		return diag_errno(why, -errno, "cannot look at the image's root");
	if (fchown(upper_fd, st.st_uid, st.st_gid) < 0 && errno != EINVAL && errno != EPERM)
		return diag_errno(why, -errno, "cannot give the layer in memory its owner");
	if (fchmod(upper_fd, st.st_mode & 07777) < 0)
		return diag_errno(why, -errno, "cannot give the layer in memory its mode");
	return 0;
}

int scratch_make(int lower_fd, struct scratch *ret, struct diag *why)
{
	CLEAN(scratch_release) struct scratch scratch = SCRATCH_NONE;
	int r;

	scratch.mount_fd = memory_mount(why);
	if (scratch.mount_fd < 0)
		return scratch.mount_fd;
	scratch.upper_fd = directory_make(scratch.mount_fd, "upper", why);
	if (scratch.upper_fd < 0)
		return scratch.upper_fd;
	scratch.work_fd = directory_make(scratch.mount_fd, "work", why);
	if (scratch.work_fd < 0)
		return scratch.work_fd;
	r = take_after(scratch.upper_fd, lower_fd, why);
	if (r < 0)
		return r;
	*ret = scratch;
	scratch = SCRATCH_NONE;
	return 0;
}
