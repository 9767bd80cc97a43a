/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * scratch.h - an upper layer in memory, gone with the overlay
 */
#ifndef LAMINA_MOUNT_SCRATCH_H
#define LAMINA_MOUNT_SCRATCH_H

struct diag; /* base/diag.h */

/* All owned; -1: none. The mount has to stay open until overlayfs has been created on it. */
struct scratch {
	int mount_fd; /* of a detached tmpfs */
	int upper_fd;
	int work_fd;
};

#define SCRATCH_NONE ((struct scratch){-1, -1, -1})

/*
 * Make it. The upper directory gets the mode and the owners of the directory lower_fd, because an
 * overlay's root is what its topmost layer says.
 */
int scratch_make(int lower_fd, struct scratch *ret, struct diag *why);
void scratch_release(struct scratch *scratch);

#endif
