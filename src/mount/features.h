/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * features.h - what this process may do on this kernel, found out by trying
 *
 * Each feature is tried in its smallest form when it is first asked for, and the answer is kept for
 * the process; versions are never compared. Nothing is left behind by a try. Any thread may ask.
 */
#ifndef LAMINA_MOUNT_FEATURES_H
#define LAMINA_MOUNT_FEATURES_H

#include <stdbool.h>

#include "base/diag.h"

/* In the order in which they are printed. */
enum mount_feature_id {
	MOUNT_FEATURE_MOUNT,             /* the new mount API, and the privilege to use it here */
	MOUNT_FEATURE_USERNS,            /* a new user namespace can be made, and mounted in */
	MOUNT_FEATURE_EROFS,             /* the kernel's driver, and the privilege to use it */
	MOUNT_FEATURE_LOOP,              /* loop devices can be opened */
	MOUNT_FEATURE_FUSE_DEVICE,       /* /dev/fuse can be opened */
	MOUNT_FEATURE_FUSE,              /* a FUSE connection can be mounted by ourselves */
	MOUNT_FEATURE_FUSERMOUNT,        /* fusermount3 is there */
	MOUNT_FEATURE_OVERLAY,           /* overlayfs can be mounted */
	MOUNT_FEATURE_OVERLAY_DATA,      /* with data-only layers, by trusted.overlay.* */
	MOUNT_FEATURE_OVERLAY_USER_DATA, /* with data-only layers, by user.overlay.* */
	MOUNT_FEATURE_OVERLAY_DETACHED,  /* with detached mounts as layers, nothing staged */
	MOUNT_FEATURE_OVERLAY_VERITY,    /* with data-only layers that it holds to fs-verity */
	MOUNT_FEATURE_VERITY,            /* fs-verity, on some file system of this kernel */
	MOUNT_FEATURE_COUNT,
};

struct mount_feature {
	const char *name;    /* "overlay-data" */
	const char *summary; /* what it is good for, a few words */
	bool available;
	int error;       /* 0, or a negative errno */
	struct diag why; /* empty when available */
};

/* The answer, valid for the life of the process. Immutable. */
const struct mount_feature *mount_feature(enum mount_feature_id id);

/* mount_feature(id)->available */
bool mount_has(enum mount_feature_id id);

/* Try anew when asked next: after this process changed namespaces or credentials. One thread only.
 */
void mount_features_forget(void);

#endif
