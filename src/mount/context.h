/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * context.h - a file system being configured: fsopen(2), fsconfig(2), fsmount(2)
 *
 * A failure carries the messages that the kernel left in the context, which say more than the errno
 * does. An open context keeps the superblock alive after its mount is gone, so close it as soon as
 * the mount is made. Owned by one thread.
 */
#ifndef LAMINA_MOUNT_CONTEXT_H
#define LAMINA_MOUNT_CONTEXT_H

#include <stdint.h>

struct diag; /* base/diag.h */

struct mount_context {
	int fd;           /* owned; -1: not open */
	const char *type; /* static storage: messages begin with it */
};

#define MOUNT_CONTEXT_EMPTY ((struct mount_context){.fd = -1})

/*
 * Begin. Returns 0, or:
 *   -EOPNOTSUPP  the kernel has no such file system, or no fsopen() (Linux 5.2)
 *   -EPERM       no CAP_SYS_ADMIN in the user namespace that owns this mount namespace
 */
int context_open(struct mount_context *context, const char *type, struct diag *why);

/* For CLEAN(); an empty context is fine. */
void context_close(struct mount_context *context);

/* Set one parameter. The kernel takes strings of at most 255 bytes (-E2BIG beyond). */
int context_flag(struct mount_context *context, const char *key, struct diag *why);
int context_string(struct mount_context *context, const char *key, const char *value,
		   struct diag *why);
int context_number(struct mount_context *context, const char *key, uint64_t value,
		   struct diag *why);
int context_fd(struct mount_context *context, const char *key, int fd, struct diag *why);

/* Make the superblock from what was set. Once per context. */
int context_create(struct mount_context *context, struct diag *why);

/*
 * A mount of the created superblock, with attributes MOUNT_ATTR_*. Returns a descriptor of the
 * detached mount, which the caller owns: closing it before it is attached unmounts. Once per
 * context.
 */
int context_mount(struct mount_context *context, uint64_t attributes, struct diag *why);

#endif
