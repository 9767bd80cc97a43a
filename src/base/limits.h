/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * limits.h - how much of anything we take, and why
 *
 * Limits of a format carry its section; ours carry the reason.
 */
#ifndef LAMINA_BASE_LIMITS_H
#define LAMINA_BASE_LIMITS_H

/* composefs dump format, "Limits". */
#define NAME_SIZE_MAX 255              /* NAME_MAX of Linux, bytes */
#define SYMLINK_SIZE_MAX 4095          /* PATH_MAX without the NUL */
#define PAYLOAD_SIZE_MAX 4095          /* the same */
#define XATTR_KEY_SIZE_MAX 255         /* XATTR_NAME_MAX of Linux */
#define XATTR_VALUE_SIZE_MAX 65535     /* XATTR_SIZE_MAX less one: the on-disk field has 16 bits */
#define XATTR_NODE_SIZE_MAX 32767      /* sum of (7 + key + value) + 12 of one inode */
#define XATTR_LINE_SIZE_MAX 65535      /* text of all xattrs of one dump line */
#define INLINE_SIZE_MAX 5000           /* content kept in the image */
#define EXTERNAL_SIZE_MAX (1ULL << 53) /* 1024 chunks of 8 TiB */

/* A regular file up to this size goes into the image, a larger one into the store (mkcomposefs
 * DIR). */
#define INLINE_SIZE_DEFAULT 64

#define DEPTH_MAX 2048 /* PATH_MAX / 2: nothing deeper can be named in one call */

/*
 * One dump line: escaped inline content (4 * 5000), payload (4 * 4095), path (4 * PATH_MAX), xattrs
 * (65535) and numbers fit with room to spare.
 */
#define DUMP_LINE_SIZE_MAX (256 * 1024)

/* meta.json of a repository: the known one has 300 bytes; room for features to come. */
#define META_SIZE_MAX (64 * 1024)

/* An image of metadata only: 2^32 blocks is the format's limit, this is what we accept to map. */
#define IMAGE_SIZE_MAX (1ULL << 40)
/*
 * An image that others may change is copied into memory first, which cannot be swapped out in
 * containers without swap: this is a tree of 4 million files, and what a machine of today can
 * spare.
 */
#define IMAGE_COPY_MAX (1ULL << 30)

/* /proc/self/mountinfo: 100,000 mounts, the kernel's default fs.mount-max, of 600 bytes each. */
#define MOUNTINFO_SIZE_MAX (64 * 1024 * 1024)

#endif
