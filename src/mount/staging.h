/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * staging.h - detached mounts, attached for a moment
 *
 * For kernels that take as overlay layers only mounts of the file tree (before Linux 6.15). Each
 * goes to an empty directory in /run or /tmp that only this user can enter; release unmounts and
 * removes all.
 */
#ifndef LAMINA_MOUNT_STAGING_H
#define LAMINA_MOUNT_STAGING_H

struct diag; /* base/diag.h */
struct staging;

/* Attach mount_fd, and put it in front of the list *staged, which starts as NULL. */
int staging_attach(struct staging **staged, int mount_fd, struct diag *why);

/* Unmount all; for CLEAN(). The mounts live on in what was made of them meanwhile. */
void staging_release(struct staging **staged);

#endif
