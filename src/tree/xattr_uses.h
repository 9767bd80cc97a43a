/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * xattr_uses.h - which xattrs of a tree an image keeps once for all
 *
 * An image has a pair of key and value that occurs on two or more inodes in its shared area
 * (composefs-image.md, section 6). Immutable after counting.
 */
#ifndef LAMINA_TREE_XATTR_USES_H
#define LAMINA_TREE_XATTR_USES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"

struct tree;
struct xattr;

/* Starts as {0}. */
struct xattr_uses {
	struct map map;
	struct xattr_use *uses; /* owned */
	size_t count;
};

void xattr_uses_release(struct xattr_uses *uses);

/* Count over all inodes of a sorted tree. Returns 0 or -ENOMEM. */
int xattr_uses_count(struct xattr_uses *uses, const struct tree *tree);

bool xattr_uses_is_shared(const struct xattr_uses *uses, const struct xattr *xattr);

#endif
