/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * idmapped.h - mounts that show the owners of their file system by a map (Linux 5.12)
 *
 * What is stored is inside of the map, what is shown is outside (mount_setattr(2), "ID-mapped
 * mounts"). File systems have to know about it: EROFS and overlayfs's layers since 5.19.
 */
#ifndef LAMINA_MOUNT_IDMAPPED_H
#define LAMINA_MOUNT_IDMAPPED_H

#include <stdint.h>

struct diag; /* base/diag.h */

/*
 * Give a detached mount the map of a user namespace, for good. mount_fd is of fsmount(2) or
 * open_tree(2) and was not attached before.
 *
 *   -EPERM       no CAP_SYS_ADMIN in the user namespace that owns the file system, or it has a map
 *   -EOPNOTSUPP  the file system cannot be idmapped, or the kernel is older than 5.12
 */
int mount_idmap(int mount_fd, int userns_fd, struct diag *why);

/*
 * Show a directory by the map: a new detached mount of it alone, without what is mounted below it,
 * now or later. attributes are MOUNT_ATTR_*, beside those that its mount has. dir_fd may be O_PATH.
 *
 * Returns a descriptor that the caller owns, or a negative errno as mount_idmap(), or:
 *   -EINVAL  the directory is not in this mount namespace, or a mount below it is locked
 */
int mount_idmap_clone(int dir_fd, int userns_fd, uint64_t attributes, struct diag *why);

/* The upper and the work directory of an overlay within one idmapped mount. -1: none. */
struct idmapped_pair {
	int mount_fd; /* owned; the detached mount, of a directory above both */
	int upper_fd; /* owned; O_PATH */
	int work_fd;  /* owned; O_PATH */
};

#define IDMAPPED_PAIR_EMPTY ((struct idmapped_pair){.mount_fd = -1, .upper_fd = -1, .work_fd = -1})

void idmapped_pair_release(struct idmapped_pair *pair);

/*
 * The same for two directories that have to stay on one mount, as overlayfs wants it: their deepest
 * common directory is cloned, and they are found again below it. The descriptors stay the caller's.
 *
 * Errors as above, and:
 *   -EXDEV   they are on different mounts
 *   -EINVAL  one is inside the other
 *   -ESTALE  their paths lead elsewhere now
 */
int mount_idmap_pair(int upper_fd, int work_fd, int userns_fd, struct idmapped_pair *ret,
		     struct diag *why);

#endif
