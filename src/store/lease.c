/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/fd.h"

int file_is_open(int dir_fd, const char *path)
{
	CLEAN(fd_closep) int fd = -1;

	/* O_NONBLOCK: where somebody else has a lease just now, he has it open, too. */
	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == EWOULDBLOCK ? 1 : -errno;
	/* Who opens it meanwhile has us told by a signal: one that is ignored unless asked for. */
	if (fcntl(fd, F_SETSIG, SIGURG) < 0)
		return -errno;
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		return errno == EAGAIN ? 1 : -errno;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return 0;
}

int object_is_open(int repository_fd, const struct digest *object)
{
	char path[sizeof("objects/") + DIGEST_PATH_SIZE_MAX], rest[DIGEST_PATH_SIZE_MAX];

	(void)snprintf(path, sizeof(path), "objects/%s", digest_path(object, rest));
	return file_is_open(repository_fd, path);
}
