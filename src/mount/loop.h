/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * loop.h - a file as a block device, for kernels and files that need one
 *
 * The device is read-only and clears itself when its last user (a descriptor, a mounted superblock)
 * is gone: nothing to detach, nothing left behind.
 */
#ifndef LAMINA_MOUNT_LOOP_H
#define LAMINA_MOUNT_LOOP_H

struct diag; /* base/diag.h */

/*
 * Returns a descriptor of the device, which the caller owns; /proc/self/fd/N of it is a source to
 * mount. -EOPNOTSUPP  no loop devices here -EACCES, -EPERM  not allowed to use them
 */
int loop_open(int file_fd, struct diag *why);

#endif
