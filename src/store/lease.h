/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lease.h - whether anybody has a file open, the kernel included
 */
#ifndef LAMINA_STORE_LEASE_H
#define LAMINA_STORE_LEASE_H

struct digest; /* base/digest.h */

/*
 * Ask for a write lease, which the kernel grants only when there is no other open file of the inode
 * (fcntl(2), "Leases"; Linux 6.18, fs/locks.c, check_conflicting_open()): a descriptor, a mapping,
 * a mounted EROFS or a loop device, of whatever namespace. docs/decisions/0010.
 *
 * path is believed to be a regular file: opening another may do something. Whoever opens it we hold
 * the lease, some microseconds, waits that long.
 *
 * Returns 1, 0, or a negative errno where it cannot be told: -ENOENT no such file, -EACCES not
 * the owner and no CAP_LEASE, -EINVAL the file system has no leases.
 */
int file_is_open(int dir_fd, const char *path);

/* The same of an object of a repository. */
int object_is_open(int repository_fd, const struct digest *object);

#endif
