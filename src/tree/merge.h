/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * merge.h - layers, one on the other, as one tree
 *
 * OCI image specification 1.1, layer.md, "Applying Changesets", by the rules of
 * composefs-repository.md, 2.7, "Merging tar entries into a tree". Where those two differ, and
 * where the latter refuses images that others take, docs/decisions/0014 says what happens:
 *
 *   - A whiteout hides what lower layers have, never what its own layer has, in whatever order they
 *     come.
 *   - A parent directory that is missing is made: 0755, owned by 0:0, of time 0, without xattrs.
 *
 * Names are paths from the root: slashes at both ends, double ones and "." count for nothing; ".."
 * is refused; links are not followed. The tree is hostile's, but bounded by its entries, of all
 * layers together: each costs time by its depth, and a whiteout by what its own layer put below it,
 * once.
 */
#ifndef LAMINA_TREE_MERGE_H
#define LAMINA_TREE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/span.h"

struct diag;  /* base/diag.h */
struct tree;  /* tree/tree.h */
struct xattr; /* tree/tree.h */

struct merge_entry {
	struct span name;
	uint32_t mode; /* st_mode with type; nothing of a hard link but its target counts */
	bool is_hard_link;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev; /* as in struct inode */
	uint32_t mtime_nsec;
	int64_t mtime_sec;
	struct span target;   /* of a symlink, or the name that a hard link links to */
	uint64_t size;        /* of an external file */
	struct span content;  /* of an inline file */
	struct digest digest; /* of an external file; DIGEST_NONE: it is inline */
	const struct xattr *xattrs;
	size_t xattr_count; /* of two with one key the latter counts */
};

/* The entries that follow are those of the next layer. The first one makes the root. 0, -ENOMEM. */
int merge_layer_begin(struct tree *tree);

/*
 * Add an entry, or do what a whiteout says. What it says is copied.
 *
 *   -EUCLEAN       an entry that cannot be: a name with "..", a root that is no directory, a parent
 *                  that is none, a hard link to a directory or to nothing, a whiteout of nothing
 *   -ENAMETOOLONG  a name of more than 255 bytes, or a path of more than PATH_MAX
 *   -E2BIG         the layers together have more than MERGE_ENTRY_MAX entries, implied
 *                  directories among them, or take more than MERGE_MEMORY_MAX
 *   -EINVAL, -ENOMEM
 */
int merge_add(struct tree *tree, const struct merge_entry *entry, struct diag *why);

#endif
