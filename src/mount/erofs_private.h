/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * erofs_private.h - the two halves of erofs_mount(), which the tests call each
 */
#ifndef LAMINA_MOUNT_EROFS_PRIVATE_H
#define LAMINA_MOUNT_EROFS_PRIVATE_H

struct diag;                /* base/diag.h */
struct erofs_mount_options; /* mount/erofs.h */

/* Why -EPERM: the driver is not for mounts in user namespaces. */
#define EROFS_NEEDS "erofs: mounting needs CAP_SYS_ADMIN in the initial user namespace"

/* -ENOTBLK: the kernel wants a block device. */
int erofs_mount_source(int source_fd, const struct erofs_mount_options *options, struct diag *why);
int erofs_mount_loop(int image_fd, const struct erofs_mount_options *options, struct diag *why);

#endif
