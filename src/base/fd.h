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
 * Close every descriptor from 3 on but those of keep (in any order): for a child that must not hold
 * what its starter had open. Needs Linux 5.9, close_range(2).
 */
void fd_close_all_but(const int *keep, size_t count);

#endif
