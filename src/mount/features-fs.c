/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fsverity.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "mount/context.h"
#include "mount/erofs_private.h"
#include "mount/features_private.h"
#include "mount/fuse.h"
#include "mount/userns.h"

/*
 * In a child, since there is no way back. Its reason comes through a pipe; the child allocates
 * nothing, because another thread may have held the allocator's lock at the fork.
 */
int try_userns(struct diag *why)
{
	CLEAN(fd_closep) int read_end = -1, write_end = -1;
	struct diag reason = {0};
	int ends[2], status, r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return diag_errno(why, -errno, "pipe2()");
	read_end = ends[0];
	write_end = ends[1];
	pid = fork();
	if (pid < 0)
		return diag_errno(why, -errno, "fork()");
	if (pid == 0) {
		r = userns_enter(&reason);
		if (r == 0)
			r = userns_may_mount(&reason);
		(void)fd_write(write_end, &reason, sizeof(reason));
		_exit(-r);
	}
	fd_closep(&write_end);
	(void)fd_read(read_end, &reason, sizeof(reason));
	reason.text[sizeof(reason.text) - 1] = '\0';
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return diag_errno(why, -errno, "waitpid()");
	}
	if (!WIFEXITED(status))
		return diag_set(why, -EIO, "the child that tried it was killed");
	r = -WEXITSTATUS(status);
	return r < 0 ? diag_set(why, r, "%s", diag_text(&reason, r)) : 0;
}

/*
 * A superblock without its source: the kernel checks the privilege first (vfs_cmd_create(),
 * mount_capable()), so whoever may mount gets as far as EINVAL.
 */
static int try_sourceless(const char *type, struct diag *why)
{
	CLEAN(context_close) struct mount_context context = MOUNT_CONTEXT_EMPTY;
	struct diag refused = {0};
	int r;

	r = context_open(&context, type, why);
	if (r < 0)
		return r;
	r = context_create(&context, &refused);
	if (r == -EPERM || r == -EACCES)
		return diag_set(why, -EPERM,
				"%s: mounting needs CAP_SYS_ADMIN in this user namespace", type);
	return 0;
}

int try_erofs(struct diag *why)
{
	int r = try_sourceless("erofs", why);

	return r == -EPERM ? diag_set(why, r, EROFS_NEEDS) : r;
}

int try_fuse(struct diag *why)
{
	return try_sourceless("fuse", why);
}

int try_loop(struct diag *why)
{
	CLEAN(fd_closep) int fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	return fd < 0 ? diag_errno(why, -errno, "cannot open /dev/loop-control") : 0;
}

int try_fuse_device(struct diag *why)
{
	CLEAN(fd_closep) int fd = fuse_device_open(why);

	return fd < 0 ? fd : 0;
}

/*
 * File systems that can have it list it among the features of their driver; else this program's own
 * file is asked: ENODATA means that it could have a digest.
 */
int try_verity(struct diag *why)
{
	static const char *const drivers[] = {"/sys/fs/ext4/features/verity",
					      "/sys/fs/btrfs/features/verity",
					      "/sys/fs/f2fs/features/verity"};
	struct fsverity_digest digest = {0};
	CLEAN(fd_closep) int fd = -1;

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (access(drivers[i], F_OK) == 0)
			return 0;
	}
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && ioctl(fd, FS_IOC_MEASURE_VERITY, &digest) < 0 &&
	    (errno == ENODATA || errno == EOVERFLOW))
		return 0;
	return diag_set(why, -EOPNOTSUPP, "no file system here has it");
}
