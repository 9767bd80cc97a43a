/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tar.h - the entries of a tar archive, and every byte between them
 *
 * ustar and pax (POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format"), and
 * what GNU tar adds: long names, numbers in base 256. Extended attributes are the records
 * SCHILY.xattr.*, of any bytes. Global pax headers are passed over (composefs-repository.md, 2.7).
 *
 * Where archives contradict themselves, this reader does what Go's archive/tar does, which all
 * engines extract layers with: an entry means the same here and there, or is refused.
 *
 *   - Only regular files have a body, whatever the size field of others says.
 *   - The name of a sparse file in pax wins over a GNU long name, that over one of a pax header,
 * and that over the header block.
 *   - A file of the oldest type (NUL) whose name ends in a slash is a directory.
 *   - Two zero blocks end the archive, and so does the end of the data between two entries. One
 *     zero block with something else behind it is an error.
 *
 * Sparse files are read in each of their four forms (oci/tar_sparse.h expands them). Owned by one
 * thread.
 */
#ifndef LAMINA_OCI_TAR_H
#define LAMINA_OCI_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct diag;   /* base/diag.h */
struct pieces; /* base/pieces.h */
struct tar;
struct xattr; /* tree/tree.h */

#define TAR_BLOCK_SIZE 512

/* The type flags of POSIX; '\0' and '7' are told as TAR_REGULAR. */
enum tar_type {
	TAR_REGULAR = '0',
	TAR_HARD_LINK = '1',
	TAR_SYMLINK = '2',
	TAR_CHARACTER_DEVICE = '3',
	TAR_BLOCK_DEVICE = '4',
	TAR_DIRECTORY = '5',
	TAR_FIFO = '6',
};

/* A piece of a sparse file; around the pieces are holes. */
struct tar_segment {
	uint64_t offset; /* in the file */
	uint64_t size;   /* bytes; may be 0 */
};

/* Spans are valid until the next tar_next(). */
struct tar_entry {
	enum tar_type type;
	uint32_t mode; /* permissions, setuid, setgid, sticky: 07777 at most */
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev_major; /* of devices */
	uint32_t rdev_minor;
	uint32_t mtime_nsec;
	int64_t mtime_sec;
	uint64_t size; /* of the file; 0 unless TAR_REGULAR */
	/* Not of one that is written: bytes in the archive. The size, unless the file is sparse. */
	uint64_t stored_size;
	bool is_sparse;
	const struct tar_segment *segments; /* of stored_size bytes; ascending, within size */
	size_t segment_count;
	struct span name;   /* as it stands there, slashes and all; not empty, no NUL */
	struct span target; /* of links; not empty, no NUL */
	const struct xattr *xattrs;
	size_t xattr_count; /* a key may occur more than once: the last counts */
};

/* Takes bytes of the archive in order. Returns 0, or -errno, which ends the reading. */
typedef int tar_sink(void *context, struct span bytes, struct diag *why);

/*
 * Read the archive that source delivers. All bytes but those that tar_body() gives go to sink,
 * which may be NULL, each before what comes after it is read: with the bodies in their places, sink
 * gets the exact archive, up to the last byte of source. source outlives *ret. Returns 0 or
 * -ENOMEM.
 */
int tar_open(const struct pieces *source, tar_sink *sink, void *context, struct tar **ret);
void tar_close(struct tar *tar); /* NULL is fine */
void tar_closep(struct tar **tar);

/*
 * The next entry. What is left of a body goes to sink. Returns 1; 0 when all of source was read;
 * or, then not to be called again:
 *
 *   -EUCLEAN     not a tar archive, or damaged, or one that ends within an entry (but for what
 *                fills the last block, which nobody misses)
 *   -EOPNOTSUPP  an entry of a type that is none of the above, an unknown kind of sparse file
 *   -E2BIG       a pax header or a long name over TAR_EXTENSION_SIZE_MAX, a sparse file of more
 *                than TAR_SPARSE_SEGMENT_MAX pieces
 *   else         what source or sink said
 */
int tar_next(struct tar *tar, struct tar_entry *ret, struct diag *why);

/* The next bytes of the body, as they are in the archive, valid until the next call of any kind. 1,
 * 0 at its end, -errno. */
int tar_body(struct tar *tar, struct span *ret, struct diag *why);

/*
 * The source leaves out the body of this entry (not its padding): it lies elsewhere. -EUCLEAN when
 * the source was not cut there.
 */
int tar_body_elsewhere(struct tar *tar, struct diag *why);

/* Bytes of the archive read so far, bodies that lie elsewhere included. */
uint64_t tar_offset(const struct tar *tar);

#endif
