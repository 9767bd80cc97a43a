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
#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "ops/ids.h"
#include "ops/tuning.h"

struct diag;   /* base/diag.h */
struct source; /* ops/source.h */

enum mount_mode {
	MOUNT_AUTO,
	MOUNT_KERNEL,
	MOUNT_OVERLAY,
	MOUNT_STANDALONE,
};
#define MOUNT_MODE_COUNT 4

const char *mount_mode_name(enum mount_mode mode);

/* What contents are held to; docs/decisions/0012. */
enum mount_verity {
	MOUNT_VERITY_AUTO, /* require, if a digest is given or the repository is secure; else off */
	MOUNT_VERITY_OFF,  /* believe what is there */
	MOUNT_VERITY_TRY,  /* hold to the digests that the image has, where that can work */
	MOUNT_VERITY_REQUIRE, /* or fail */
};

const char *mount_verity_name(enum mount_verity verity);

struct mount_request {
	const char *image;   /* as of ops/source.h; NULL: image_fd */
	int image_fd;        /* of an image file open for reading, the caller's */
	const char *repo;    /* NULL: the default */
	const char *objects; /* "DIR[:DIR...]"; NULL: of the repository */
	const char *target;  /* an existing directory; NULL: send_fd */
	/*
	 * A connected UNIX socket, stream or seqpacket, the caller's: the mount is attached nowhere
	 * and goes over it as of mount/handover.h. From then on it is the receiver's: it, and its
	 * server, are there as long as he, or whom he gives it to, holds the descriptor or has
	 * attached it by move_mount(2). Unread in a socket that is closed, it is gone.
	 */
	int send_fd;
	const char *upper; /* both or neither: a writable mount */
	const char *work;
	bool is_ephemeral; /* writable in memory; instead of upper and work */
	/* Owners; none asked for: as stored. In kernel mode, upper has what is stored, too. */
	struct ids_request ids;
	enum mount_mode mode;
	enum mount_verity verity; /* mount_verity_settle() comes first, before mount_choose() */
	struct digest digest;     /* of the image file; DIGEST_NONE: that of its name, if any */
	bool believes_image;      /* require is about contents, an image without digest will do */
	uint64_t attributes;      /* MOUNT_ATTR_* */
	const char *label;        /* the source in mountinfo; NULL: names lamina and the image */
	struct source *source;    /* owned; the image, if it is open already; else NULL */
	struct tuning tuning;     /* of the server, where there is one */
	bool explains;            /* nothing will be mounted: all modes are looked at */
	bool foreground;          /* stay until unmounted; SIGINT and SIGTERM unmount */
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
 * Turn AUTO into OFF or REQUIRE by what the repository is, and TRY into OFF where the objects have
 * no fs-verity, and of an image that was pulled lazily. It opens the image, as request->source; one
 * that cannot be found is left to mount_image() to complain about.
 */
void mount_verity_settle(struct mount_request *request);
void mount_request_release(struct mount_request *request);

/*
 * Returns 0, -EINVAL for a request that contradicts itself, or -EOPNOTSUPP when the mode asked for,
 * or each of auto's, is not possible; *ret is filled in any of these cases but -EINVAL.
 */
int mount_choose(const struct mount_request *request, struct mount_choice *ret, struct diag *why);

/*
 * Mount by a choice. Returns when the mount answers and, if it is to be sent, is sent; or, in the
 * foreground, when it is gone. On failure no mount and no process is left.
 */
int mount_image(const struct mount_request *request, const struct mount_choice *choice,
		struct server *ret_server, struct diag *why);

/*
 * Unmount what is mounted at target: of lamina, or an idmapped mount, which cannot be told from
 * those of others. -EINVAL: nothing is mounted there; -EBUSY: it is in use; lazy
 * detaches it now and frees it with its last user.
 */
int unmount_image(const char *target, bool lazy, struct diag *why);

#endif
