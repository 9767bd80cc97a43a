/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount.h - an image shown at a directory, by whatever the caller may use
 *
 * kernel: EROFS and overlayfs of the kernel. overlay: our FUSE server shows the metadata, overlayfs
 * on top of it reads the objects itself. standalone: our server shows everything. Auto takes the
 * first of them, in this order, that is possible here and honours all that was asked for.
 */
#ifndef LAMINA_OPS_MOUNT_H
#define LAMINA_OPS_MOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "ops/tuning.h"

struct diag; /* base/diag.h */

enum mount_mode {
	MOUNT_AUTO,
	MOUNT_KERNEL,
	MOUNT_OVERLAY,
	MOUNT_STANDALONE,
};
#define MOUNT_MODE_COUNT 4

const char *mount_mode_name(enum mount_mode mode);

struct mount_request {
	const char *image;   /* as of ops/source.h */
	const char *repo;    /* NULL: the default */
	const char *objects; /* "DIR[:DIR...]"; NULL: of the repository */
	const char *target;  /* an existing directory */
	const char *upper;   /* both or neither: a writable mount */
	const char *work;
	enum mount_mode mode;
	struct tuning tuning; /* of the server, where there is one */
	bool explains;        /* nothing will be mounted: all modes are looked at */
	bool foreground;      /* stay until unmounted; SIGINT and SIGTERM unmount */
};

/* How a request would be served here, and why. Nothing is mounted to find out. */
struct mount_choice {
	enum mount_mode mode; /* MOUNT_AUTO: none is possible */
	bool uses_fusermount; /* standalone, by the setuid helper */
	bool passes_through;  /* standalone: the kernel reads the objects by itself */
	bool is_privileged;   /* overlay: trusted.overlay.*, else user.overlay.* */
	bool possible[MOUNT_MODE_COUNT];
	char reason[MOUNT_MODE_COUNT][256]; /* of each mode: what it will do, or what it lacks */
};

/*
 * Returns 0, -EINVAL for a request that contradicts itself, or -EOPNOTSUPP when the mode asked for,
 * or each of auto's, is not possible; *ret is filled in any of these cases but -EINVAL.
 */
int mount_choose(const struct mount_request *request, struct mount_choice *ret, struct diag *why);

/*
 * Mount by a choice. Returns when the mount answers, or, in the foreground, when it is gone. On
 * failure no mount and no process is left.
 */
int mount_image(const struct mount_request *request, const struct mount_choice *choice,
		struct server *ret_server, struct diag *why);

/*
 * Unmount what is mounted at target. -EINVAL: nothing is mounted there; -EBUSY: it is in use; lazy
 * detaches it now and frees it with its last user.
 */
int unmount_image(const char *target, bool lazy, struct diag *why);

#endif
