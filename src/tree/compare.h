/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * compare.h - what is different between two trees
 *
 * By names, metadata and digests; no content is read. An external file without digest is held to
 * its backing path. The size that a source gave a directory says nothing.
 */
#ifndef LAMINA_TREE_COMPARE_H
#define LAMINA_TREE_COMPARE_H

#include "base/span.h"

struct diag;  /* base/diag.h */
struct inode; /* tree/tree.h */
struct tree;  /* tree/tree.h */

/* Docker's letters. */
enum difference_kind {
	DIFFERENCE_ADDED = 'A',
	DIFFERENCE_CHANGED = 'C',
	DIFFERENCE_REMOVED = 'D',
};

/* What of a name is different; with another type only that is told. */
enum difference_part {
	DIFFERENCE_TYPE = 1 << 0,
	DIFFERENCE_MODE = 1 << 1,
	DIFFERENCE_OWNER = 1 << 2,
	DIFFERENCE_MTIME = 1 << 3,
	DIFFERENCE_CONTENT = 1 << 4, /* of a file, the target of a link, the number of a device */
	DIFFERENCE_XATTRS = 1 << 5,
	DIFFERENCE_LINKS = 1 << 6, /* the count of names, unless it is a directory */
};
#define DIFFERENCE_PART_COUNT 7

/* "type", "mode"... of bit index. */
const char *difference_part_name(unsigned int index);

struct difference {
	enum difference_kind kind;
	unsigned int parts;    /* of what changed */
	struct span path;      /* absolute; "/" is the root */
	const struct inode *a; /* NULL: added */
	struct inode *b;       /* NULL: removed */
};

/* A return other than 0 ends the comparison and is its result. */
typedef int difference_visit(void *context, const struct difference *difference, struct diag *why);

/*
 * Tell visit what b, seen from a, has that is new, changed or gone: depth first, names in byte
 * order. All that is in a new directory is told; nothing of what was in one that is gone, or has
 * become something else. Both are sorted. Memory is a path. 0, -ENOMEM, or what visit returned.
 */
int tree_compare(const struct tree *a, const struct tree *b, difference_visit *visit, void *context,
		 struct diag *why);

#endif
