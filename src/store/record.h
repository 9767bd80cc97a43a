/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * record.h - the text that says that an image is mounted somewhere
 *
 * One JSON object a mount, with the keys of record_private.h. Whoever may write to the repository
 * may have written it, so it is hostile: it is believed only as far as the kernel confirms it
 * (ops/mounts.h).
 */
#ifndef LAMINA_STORE_RECORD_H
#define LAMINA_STORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/span.h"

struct buf;    /* base/buf.h */
struct diag;   /* base/diag.h */
struct idmaps; /* base/idmap.h */

#define RECORD_ID_SIZE 33   /* 32 hex digits, NUL; the first 16 are the time, so names sort by it */
#define RECORD_BOOT_SIZE 37 /* /proc/sys/kernel/random/boot_id, NUL */

enum record_mode {
	RECORD_KERNEL,
	RECORD_OVERLAY,
	RECORD_STANDALONE,
};
#define RECORD_MODE_COUNT 3

const char *record_mode_name(enum record_mode mode);

/* Numbers that are 0 were not known to the writer. Owned by one thread. */
struct mount_record {
	char id[RECORD_ID_SIZE];
	char boot[RECORD_BOOT_SIZE];
	enum record_mode mode;
	char *image;              /* owned; what the user named, or an absolute path */
	struct digest digest;     /* DIGEST_NONE: no image of the repository */
	char *repository;         /* owned; where it was then, absolute; NULL: none */
	char *target;             /* owned; absolute; NULL: handed over, not attached */
	char *upper;              /* owned; absolute; NULL: read-only */
	struct idmaps *maps;      /* owned; NULL: owners as stored */
	int32_t server_pid;       /* 0: no server */
	uint64_t server_start;    /* /proc/PID/stat, field 22 */
	uint64_t pid_namespace;   /* inode: where server_pid means something */
	uint64_t mount_namespace; /* inode: where the mount was made */
	uint32_t mount_id;        /* as in mountinfo; used again soon after the mount is gone */
	uint64_t unique_id;       /* STATX_MNT_ID_UNIQUE, Linux 6.8: never used again */
	int64_t created;          /* seconds since 1970 */
};

/* Owned strings and maps are freed; {0} is fine. */
void mount_record_release(struct mount_record *record);

/* 32 hex digits, lower case. */
bool record_id_is_valid(const char *id);

/* An id that nobody has: now, and 64 random bits. Returns 0 or -EIO. */
int record_id_make(char ret[RECORD_ID_SIZE]);

/*
 * Read a record.
 *
 *   -EUCLEAN     not the JSON it should be; a key that is missing, or one too many
 *   -EOPNOTSUPP  of a later version of this program
 */
int record_parse(struct span raw, struct mount_record *ret, struct diag *why);

/* Append the text. Returns 0 or -ENOMEM. */
int record_format(const struct mount_record *record, struct buf *ret);

#endif
