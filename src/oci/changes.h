/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * changes.h - the upper directory of an overlay as what a layer changes
 *
 * Linux, Documentation/filesystems/overlayfs.rst. What overlayfs notes in extended attributes is
 * put into effect, and gone then: whiteouts of either kind, opaque directories, and, with the tree
 * below at hand, directories that were renamed ("redirect") and files of which only the metadata
 * was copied up ("metacopy"). Both families of names count, trusted.overlay.* and user.overlay.*;
 * what an inner overlay wrote through this one ("overlay.overlay.") loses one level.
 */
#ifndef LAMINA_OCI_CHANGES_H
#define LAMINA_OCI_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

struct diag;   /* base/diag.h */
struct idmaps; /* base/idmap.h */
struct tree;   /* tree/tree.h */

struct changes_request {
	struct tree *upper; /* as tree_scan() reads it; the indexes of its inodes change */
	/*
	 * What was mounted below; NULL: nothing is known of it. Its inodes' indexes change. Where
	 * it has no name, no whiteout for it is made.
	 */
	struct tree *base;
	const struct idmaps *maps; /* of upper: outside is what it has; NULL: as they are */
	bool has_timestamp;        /* every time becomes timestamp */
	int64_t timestamp;
};

struct changes_notes {
	uint64_t socket_count; /* left out: no layer has a place for them */
};

/*
 * Make the tree that layer_write() takes. Owners, those in ACLs and that of file capabilities are
 * those inside of the map. What an xattr says of this machine only (labels of SELinux, IMA, EVM) is
 * left out.
 *
 *   -EINVAL   an owner that the map does not have; a rename or metadata without data, and no base;
 *             a base that lacks what upper builds on
 *   -EUCLEAN  xattrs of overlayfs that make no sense
 *   -E2BIG    more than LAYER_ENTRY_MAX entries
 *   -ENOMEM
 */
int changes_make(const struct changes_request *request, struct tree **ret,
		 struct changes_notes *ret_notes, struct diag *why);

/* Take the marks away that loading or merging has left: the tree is a layer's as it is. */
void changes_of_nothing(struct tree *tree);

#endif
