/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mounts.h - which mounts there are, by their records, and what has become of them
 *
 * A record lies in the repository of its image, or, where the caller may not write there or the
 * image is a plain file, in a folder of the caller's own: /run/lamina for root of the machine,
 * $XDG_RUNTIME_DIR/lamina for everybody else. It is hostile text: what it says is checked against
 * the kernel, and it can keep an image, never give one up that something else keeps.
 * docs/decisions/0010 tells how each state is found out.
 */
#ifndef LAMINA_OPS_MOUNTS_H
#define LAMINA_OPS_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct diag;   /* base/diag.h */
struct digest; /* base/digest.h */
struct idmaps; /* base/idmap.h */
struct store;  /* store/store.h */

enum mount_state {
	MOUNT_STATE_LIVE,
	MOUNT_STATE_STALE,       /* nothing is left of it */
	MOUNT_STATE_DEAD_SERVER, /* mounted, but nobody answers; lamina umount takes it away */
	MOUNT_STATE_UNKNOWN,     /* counts as in use */
};

const char *mount_state_name(enum mount_state state);

struct mount_report {
	const char *id;
	enum mount_state state;
	bool is_own;            /* the caller wrote the record */
	bool in_repository;     /* else in the caller's own folder */
	const char *unreadable; /* why nothing below is known; NULL: it is */
	const char *image;
	const struct digest *digest; /* NULL: a plain file */
	const char *mode;
	const char *target;        /* NULL: handed over, not attached */
	const char *upper;         /* NULL: read-only */
	const struct idmaps *maps; /* NULL: owners as stored */
	pid_t server_pid;          /* in the PID namespace of who mounted; 0: none */
	uint64_t mount_namespace;  /* inode; this and the ids: 0 where not known */
	uint64_t mount_id;
	uint64_t unique_id;
	int64_t created; /* seconds since 1970 */
};

/*
 * Call visit for each record of the repository, then for each in the caller's own folder; the
 * oldest first. Without a repository at the default place there are only the latter. A return other
 * than 0 ends the listing and is its result.
 */
typedef int mounts_visit(void *context, const struct mount_report *report, struct diag *why);
int mounts_each(const char *repo, mounts_visit *visit, void *context, struct diag *why);

/*
 * Whether a mount needs the image: 1, 0, or a negative errno. 1 also for what cannot be told, and
 * for an image that somebody has open without a record of it. For a collector, which holds the
 * store's lock alone: then nobody is between a record and its mount.
 */
int mounts_need_image(const struct store *store, const struct digest *image, struct diag *why);

/*
 * Call visit with the image of each record that may be of a mount, in the repository and in the
 * caller's own folder; it may be of another repository, and may come several times. For a
 * collector: such an image may have lost its link in images/ meanwhile.
 */
typedef int mounts_image_visit(void *context, const struct digest *image, struct diag *why);
int mounts_each_image(const struct store *store, mounts_image_visit *visit, void *context,
		      struct diag *why);

/*
 * Remove the records of mounts of which nothing is left. The first is for who holds the store's
 * lock alone; the second takes it, and does nothing, with 0, while somebody else has it. Both
 * return how many they removed, or a negative errno.
 */
int mounts_sweep_locked(const struct store *store, struct diag *why);
int mounts_sweep(const char *repo, struct diag *why);

/* unmount_image(), and its record goes, too, when nobody uses the mount any more. */
int mounts_unmount(const char *repo, const char *target, bool lazy, struct diag *why);

/*
 * Unmount every recorded mount of the repository in this mount namespace, the newest first: only
 * such as the caller recorded himself. Told of each by tell: r is 0 or a negative errno. Returns 0
 * or a negative errno when the records cannot be read. Stale records are swept.
 */
typedef void mounts_tell(void *context, const char *target, int r, struct diag *why);
int mounts_unmount_all(const char *repo, bool lazy, mounts_tell *tell, void *context,
		       struct diag *why);

#endif
