/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fusermount.h - FUSE mounts of unprivileged users in the host's namespaces
 *
 * fusermount3, of package fuse3, is set-uid root: it opens /dev/fuse as the calling user, mounts it
 * with nosuid and nodev on a directory that he owns, and sends the descriptor through the socket
 * that _FUSE_COMMFD names (fusermount3(1); one byte, with one descriptor as SCM_RIGHTS).
 */
#ifndef LAMINA_MOUNT_FUSERMOUNT_H
#define LAMINA_MOUNT_FUSERMOUNT_H

#include <stdbool.h>

struct diag; /* base/diag.h */

struct fusermount_options {
	const char *source;       /* NULL: fusermount3's own choice, the device */
	const char *subtype;      /* the type becomes fuse.<subtype>; NULL: plain fuse */
	bool allow_other;         /* needs user_allow_other in /etc/fuse.conf */
	bool default_permissions; /* as in mount/fuse.h */
	bool noexec;
};

/*
 * Whether there is a fusermount3 in PATH: 0, -ENOENT with what to install, or -EPERM where it could
 * not get its privilege.
 */
int fusermount_find(struct diag *why);

/*
 * Mount read-only on target. Returns the descriptor of the connection, which the caller owns, or a
 * negative errno with what fusermount3 said.
 */
int fusermount_mount(const char *target, const struct fusermount_options *options,
		     struct diag *why);

/* Unmount a FUSE mount that this user made. */
int fusermount_unmount(const char *target, bool lazy, struct diag *why);

#endif
