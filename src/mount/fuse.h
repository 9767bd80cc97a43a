/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fuse.h - a FUSE file system mounted by ourselves, read-only
 *
 * Works for root, and for anybody in a user and mount namespace of his own. An unprivileged user of
 * the host's namespaces needs mount/fusermount.h.
 */
#ifndef LAMINA_MOUNT_FUSE_H
#define LAMINA_MOUNT_FUSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct diag; /* base/diag.h */

/* A new connection, as an fd of /dev/fuse that the caller owns. -EACCES, -ENOENT: with what to do.
 */
int fuse_device_open(struct diag *why);

struct fuse_mount_options {
	const char *source;  /* shown in mountinfo; NULL: the subtype */
	const char *subtype; /* the type becomes fuse.<subtype>; NULL: plain fuse */
	uid_t user_id;  /* the owner, as this process sees ids: geteuid(), getegid(). Without */
	gid_t group_id; /* allow_other, only his processes get in. */
	bool allow_other;
	bool default_permissions; /* the kernel checks modes and ACLs; goes with allow_other */
	uint64_t attributes;      /* MOUNT_ATTR_*; read-only is always added */
};

/*
 * Mount the connection device_fd. Does not wait for the server: the first access does. The
 * superblock itself is read-only, so that no remount by a namespace's owner can change that.
 *
 * Returns a descriptor of the detached mount, which the caller owns. -EINVAL where the ids are not
 * mapped, or the device was opened in another user namespace.
 */
int fuse_mount(int device_fd, const struct fuse_mount_options *options, struct diag *why);

#endif
