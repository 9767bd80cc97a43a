/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * load_private.h - the parts of image_load()
 *
 * load.c walks, load_inode.c makes inodes, load_undo.c takes back what concerns several of them.
 */
#ifndef LAMINA_EROFS_LOAD_PRIVATE_H
#define LAMINA_EROFS_LOAD_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/span.h"

struct diag;        /* base/diag.h */
struct image;       /* erofs/image.h */
struct image_inode; /* erofs/image.h */
struct inode;       /* tree/tree.h */
struct tree;        /* tree/tree.h */

/*
 * Xattrs that the writer makes for whiteouts. Whether it did is known only when the whole tree is,
 * so they are noted first and become xattrs in the end, or not.
 */
enum noted {
	NOTED_WHITEOUT = 1,
	NOTED_USER_WHITEOUT = 2,
	NOTED_WHITEOUTS = 4,
	NOTED_USER_WHITEOUTS = 8,
	NOTED_OPAQUE = 16,
	NOTED_USER_OPAQUE = 32,
};

/* Which of them an xattr is, its key unescaped; 0 for none. */
uint8_t load_noted(struct span key, struct span value);

/* An inode of the image that is in the tree. inode->index is its index. */
struct loaded {
	uint64_t nid;
	struct inode *inode;
	uint16_t depth;     /* of a directory; 0 for the root */
	uint8_t noted;      /* enum noted */
	bool has_whiteouts; /* a directory: some were converted */
};

#define STUB_COUNT_MAX 256

struct loader {
	const struct image *image;
	struct tree *tree;     /* owned until handed over */
	struct loaded *inodes; /* owned; in breadth-first order of their first names */
	size_t count;
	size_t capacity;
	struct map by_nid; /* of index + 1 as a pointer */
	uint64_t budget;   /* bytes that may still be taken, see loader_charge() */
	uint64_t last_nid; /* of the last inode or stub met for the first time */
	bool is_in_order;  /* each of them had a higher nid than the one before */
	size_t stub_count;
	uint64_t stub_nids[STUB_COUNT_MAX];
	struct diag *why;
};

/*
 * Count size bytes of the image as used. In a sound image nothing is used twice but contents that a
 * plain image deduplicates; without a budget, a small image whose inodes overlap could make a huge
 * tree. Returns 0 or -E2BIG.
 */
int loader_charge(struct loader *loader, uint64_t size);

static inline bool name_is_dots(struct span name)
{
	return span_equal(name, SPAN_LITERAL(".")) || span_equal(name, SPAN_LITERAL(".."));
}

/* Make the inode, not linked yet, with its xattrs and content. */
int load_inode(struct loader *loader, const struct image_inode *raw, struct loaded *ret);

/*
 * Make the primary names those by which the inodes lie in breadth-first order, if there are such.
 * The tree is sorted.
 */
int load_primaries(struct loader *loader);

/* Make whiteouts whiteouts again. Primary names are final. */
int load_whiteouts(struct loader *loader);

#endif
