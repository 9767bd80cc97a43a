/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"

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

int fd_open_within(int dir_fd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {.flags = (unsigned int)flags | O_CLOEXEC, .resolve = resolve};
	unsigned int count = 0;
	long fd;

	do {
		fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
		if (fd < 0 && errno == EAGAIN && ++count == OPEN_AGAIN_MAX)
			return -ESTALE;
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

int fd_open_regular(int dir_fd, const char *path, uint64_t resolve)
{
	char self[sizeof("/proc/self/fd/2147483647")];
	CLEAN(fd_closep) int found = fd_open_within(dir_fd, path, O_PATH, resolve);
	struct stat stat;
	int fd;

	if (found < 0)
		return found;
	if (fstat(found, &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode))
		return -EINVAL;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", found);
	fd = open(self, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
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

int fd_temporary(struct diag *why)
{
	const char *directory = secure_getenv("TMPDIR");
	int fd;

	if (!directory || !directory[0])
		directory = "/var/tmp";
	fd = openat(AT_FDCWD, directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot make a temporary file in '%.200s'",
				  directory);
	return fd;
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

/* All from first to last; one by one where something keeps close_range(2) from us (seccomp). */
static void close_from_to(int first, int last)
{
	long limit = sysconf(_SC_OPEN_MAX);

	if (close_range((unsigned int)first, (unsigned int)last, 0) == 0)
		return;
	for (int fd = first; fd <= last && fd < limit; fd++)
		(void)close(fd);
}

void fd_close_all_but(const int *keep, size_t count)
{
	int from = 3;

	while (from < INT_MAX) {
		int kept = keep_next(keep, count, from);

		if (kept > from)
			close_from_to(from, kept - 1);
		if (kept == INT_MAX)
			break;
		from = kept + 1;
	}
}
