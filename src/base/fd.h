/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fd.h - file descriptors with one owner, and whole reads and writes
 *
 * An empty descriptor is -1. Every function retries EINTR.
 */
#ifndef LAMINA_BASE_FD_H
#define LAMINA_BASE_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct diag; /* base/diag.h */
struct buf;  /* base/buf.h */

/* Close unless empty; errno is kept. */
void fd_close(int fd);

/* For CLEAN(fd_closep) int fd = -1; */
void fd_closep(int *fd);

/*
 * open(2) of a path that somebody else has written: it is looked up below dir_fd, links on the way
 * by resolve (RESOLVE_* of openat2(2), <linux/openat2.h>), and the descriptor is close-on-exec.
 * flags as of open(2), without O_CREAT. Where something was renamed meanwhile it is looked up
 * again, at most OPEN_AGAIN_MAX times: -ESTALE beyond, for whoever does nothing but rename keeps
 * nobody. Returns a descriptor that the caller owns, or -errno. Needs Linux 5.6.
 */
int fd_open_within(int dir_fd, const char *path, int flags, uint64_t resolve);

/*
 * The same of a regular file, for reading. What else is there is -EINVAL and is never opened: a
 * device may do things when it is. Needs /proc.
 */
int fd_open_regular(int dir_fd, const char *path, uint64_t resolve);

/* Hand over: returns *fd and leaves -1 behind. */
int fd_take(int *fd);

/*
 * Read until size bytes or the end of the file. Returns the count, which is below size only at the
 * end, or -errno.
 */
ssize_t fd_read(int fd, void *data, size_t size);
ssize_t fd_pread(int fd, void *data, size_t size, uint64_t offset);

/* Write all size bytes. Returns 0 or -errno. */
int fd_write(int fd, const void *data, size_t size);
int fd_pwrite(int fd, const void *data, size_t size, uint64_t offset);

/* Append all of a file to *ret, at most limit bytes: -E2BIG beyond. */
int fd_read_all(int fd, size_t limit, struct buf *ret);

/*
 * A file without a name, open for reading and writing, in $TMPDIR or /var/tmp, which is a disk even
 * where /tmp is memory. The caller owns the fd.
 */
int fd_temporary(struct diag *why);

/*
 * Close every descriptor from 3 on but those of keep (in any order): for a child that must not hold
 * what its starter had open. Needs Linux 5.9, close_range(2).
 */
void fd_close_all_but(const int *keep, size_t count);

#endif
