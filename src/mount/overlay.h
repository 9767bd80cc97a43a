/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * overlay.h - overlayfs on layers given as descriptors
 *
 * A layer is a directory (O_PATH is enough) or a detached mount of fsmount(2) or open_tree(2);
 * nothing has to be in the file tree. Descriptors stay the caller's and may be closed afterwards.
 */
#ifndef LAMINA_MOUNT_OVERLAY_H
#define LAMINA_MOUNT_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;  /* base/diag.h */
struct fsids; /* mount/fsids.h */

enum overlay_verity {
	OVERLAY_VERITY_OFF,
	OVERLAY_VERITY_ON,      /* digests that are there are checked (Linux 6.6) */
	OVERLAY_VERITY_REQUIRE, /* a redirected file without a digest fails with EIO */
};

struct overlay_options {
	const char *source;   /* shown in mountinfo; NULL: "overlay" */
	const int *lower_fds; /* the topmost first */
	size_t lower_count;   /* at least 1; 2 together with data layers when there is no upper */
	const int *data_fds;  /* data-only layers (Linux 6.5): reached by redirects, never listed */
	size_t data_count;
	int upper_fd; /* with work_fd on one mount; both -1: read-only */
	int work_fd;
	int upper_mount_fd; /* the detached mount that both are in (mount/idmapped.h); -1: none */
	/*
	 * Whose credentials overlayfs keeps, to write the upper layer with; NULL: this thread's. An
	 * idmapped upper layer needs ids that its map has outside.
	 */
	const struct fsids *mounter;
	enum overlay_verity verity;
	/*
	 * user.overlay.* instead of trusted.overlay.*, which is what the unprivileged may use. With
	 * data layers: Linux 6.16 or so.
	 */
	bool userxattr;
	/*
	 * Follow and make redirects and metadata-only copies. Always on with trusted data layers;
	 * not to be had with userxattr, where redirects into data layers are followed and none are
	 * made.
	 */
	bool redirects;
	uint64_t attributes; /* MOUNT_ATTR_*; read-only is added when there is no upper */
};

/* Read-only, no layers yet. */
#define OVERLAY_OPTIONS_EMPTY \
	((struct overlay_options){.upper_fd = -1, .work_fd = -1, .upper_mount_fd = -1})

/*
 * Returns a descriptor of the detached mount, which the caller owns. What cannot be honoured fails:
 *   -EINVAL      options that contradict each other, or that this kernel refuses
 *   -EOPNOTSUPP  no overlayfs
 *   -EPERM       trusted layers without the privilege
 *   -EROFS       the upper or the work directory cannot be written
 *
 * Before Linux 6.15 a detached layer has to be attached for a moment: to a directory in /run or
 * /tmp that only we can enter, which is gone afterwards. It cannot be attached elsewhere then.
 */
int overlay_mount(const struct overlay_options *options, struct diag *why);

#endif
