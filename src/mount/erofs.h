/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * erofs.h - an image mounted by the kernel's EROFS driver, read-only
 *
 * The driver parses the bytes with the kernel's privilege: mount only what was written by us or is
 * signed. The image must not change while it is mounted (reads would fail with EUCLEAN).
 */
#ifndef LAMINA_MOUNT_EROFS_H
#define LAMINA_MOUNT_EROFS_H

#include <stdbool.h>
#include <stdint.h>

struct diag; /* base/diag.h */

struct erofs_mount_options {
	bool noacl;          /* the image has no POSIX ACLs: spares a lookup per access */
	uint64_t attributes; /* MOUNT_ATTR_*; read-only is always added */
};

/*
 * image_fd is a regular file (or a block device) open for reading; it may be unlinked, and may be
 * closed afterwards. The file is mounted as it is where the kernel can (Linux 6.12, on a disk file
 * system), else through a loop device that goes away with the mount.
 *
 * Returns a descriptor of the detached mount, which the caller owns, or:
 *   -EPERM       no CAP_SYS_ADMIN in the initial user namespace
 *   -EUCLEAN     not an image that the driver accepts
 *   -EOPNOTSUPP  no EROFS, or neither a file nor a loop device can be used here
 */
int erofs_mount(int image_fd, const struct erofs_mount_options *options, struct diag *why);

#endif
