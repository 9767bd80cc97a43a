/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

int daemon_streams_detach(bool keeps_stderr)
{
	CLEAN(fd_closep) int null_fd = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return -errno;
	for (int fd = 0; fd < (keeps_stderr ? 2 : 3); fd++) {
		if (dup2(null_fd, fd) < 0)
			return -errno;
	}
	return 0;
}
