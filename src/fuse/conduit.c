/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/conduit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "fuse/abi.h"
#include "fuse/reply.h"

/* Each page has a place, even where READ begins in the middle of one, and so has the head. */
#define PIPE_SIZE (2 * REPLY_READ_MAX)

void conduit_close(struct conduit *conduit)
{
	fd_closep(&conduit->read_fd);
	fd_closep(&conduit->write_fd);
	conduit->size = 0;
}

static bool conduit_open(struct conduit *conduit)
{
	int ends[2];

	if (conduit->size > 0)
		conduit_close(conduit);
	if (conduit->read_fd >= 0)
		return true;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	conduit->read_fd = ends[0];
	conduit->write_fd = ends[1];
	if (fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE) >= (int)PIPE_SIZE)
		return true;
	conduit_close(conduit); /* the user has too many of them already */
	return false;
}

static bool fill(struct conduit *conduit, const struct abi_reply *head, int fd, uint64_t offset,
		 size_t size)
{
	loff_t at = (loff_t)offset;

	if (write(conduit->write_fd, head, sizeof(*head)) != (ssize_t)sizeof(*head))
		return false;
	conduit->size = sizeof(*head);
	while (size > 0) {
		ssize_t got = splice(fd, &at, conduit->write_fd, NULL, size, 0);

		if (got < 0 && errno == EINVAL)
			conduit->is_no_use = true;
		if (got <= 0)
			return false;
		conduit->size += (size_t)got;
		size -= (size_t)got;
	}
	return true;
}

bool conduit_fill(struct conduit *conduit, const struct abi_reply *head, int fd, uint64_t offset,
		  size_t size)
{
	if (conduit->is_no_use)
		return false;
	if (!conduit_open(conduit)) {
		conduit->is_no_use = true;
		return false;
	}
	if (fill(conduit, head, fd, offset, size))
		return true;
	conduit_close(conduit);
	return false;
}

int conduit_send(struct conduit *conduit, int device_fd)
{
	size_t size = conduit->size;
	ssize_t sent = splice(conduit->read_fd, NULL, device_fd, NULL, size, 0);
	int r = sent < 0 ? -errno : sent == (ssize_t)size ? 0 : -EIO;

	if (r < 0)
		conduit_close(conduit);
	conduit->size = 0;
	return r;
}
