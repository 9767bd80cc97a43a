/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/fd.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/buf.h"

void fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		(void)close(fd); /* Linux closes even when it reports EINTR */
	errno = saved;
}

void fd_closep(int *fd)
{
	fd_close(*fd);
	*fd = -1;
}

int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

ssize_t fd_read(int fd, void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = read(fd, (char *)data + done, size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

ssize_t fd_pread(int fd, void *data, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(fd, (char *)data + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int fd_write(int fd, const void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t put = write(fd, (const char *)data + done, size - done);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		done += (size_t)put;
	}
	return 0;
}

int fd_pwrite(int fd, const void *data, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t put =
			pwrite(fd, (const char *)data + done, size - done, (off_t)(offset + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		done += (size_t)put;
	}
	return 0;
}

int fd_read_all(int fd, size_t limit, struct buf *ret)
{
	size_t start = ret->size;

	for (;;) {
		ssize_t got;
		int r;

		r = buf_reserve(ret, 64 * 1024);
		if (r < 0)
			return r;
		got = fd_read(fd, ret->data + ret->size, ret->capacity - ret->size);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return 0;
		ret->size += (size_t)got;
		if (ret->size - start > limit)
			return -E2BIG;
	}
}

/* The smallest of keep that is >= from, or INT_MAX. */
static int keep_next(const int *keep, size_t count, int from)
{
	int smallest = INT_MAX;

	for (size_t i = 0; i < count; i++) {
		if (keep[i] >= from && keep[i] < smallest)
			smallest = keep[i];
	}
	return smallest;
}

void fd_close_all_but(const int *keep, size_t count)
{
	int from = 3;

	while (from < INT_MAX) {
		int kept = keep_next(keep, count, from);

		if (kept > from)
			(void)close_range((unsigned int)from, (unsigned int)kept - 1, 0);
		if (kept == INT_MAX)
			break;
		from = kept + 1;
	}
}
