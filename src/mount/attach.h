/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * attach.h - detached mounts go into the file tree, and out of it
 *
 * A target is opened once and then meant by its descriptor, so that nobody can put a link in its
 * place between the check and the mount.
 */
#ifndef LAMINA_MOUNT_ATTACH_H
#define LAMINA_MOUNT_ATTACH_H

#include <stdbool.h>

struct diag; /* base/diag.h */

/* The directory to mount on, as an O_PATH descriptor that the caller owns. Links in path are
 * followed. */
int mount_target_open(const char *path, struct diag *why);

/*
 * Put the detached mount there, on top of what may be mounted there already. mount_fd stays the
 * caller's; while it is open, the mount is busy.
 */
int mount_attach(int mount_fd, int target_fd, struct diag *why);

struct mount_detach_options {
	bool lazy;    /* take it out of the tree now, let go when it is no longer in use */
	bool foreign; /* also what is neither mount_entry_is_ours() nor mount_entry_is_idmapped() */
};

/*
 * Unmount what is mounted on path: the topmost, and only if it is there itself, not below. A user's
 * FUSE mount goes by way of fusermount3 where the user may not unmount himself.
 *
 *   -EINVAL  not a mount point, or locked by the mount namespace
 *   -EPERM   not one of ours (foreign would do), or no privilege
 *   -EBUSY   in use (lazy would do)
 *   -ESTALE  something else was mounted there meanwhile
 */
int mount_detach(const char *path, const struct mount_detach_options *options, struct diag *why);

#endif
