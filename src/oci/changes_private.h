/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * changes_private.h - what overlayfs has noted in xattrs, and what else is in them
 */
#ifndef LAMINA_OCI_CHANGES_PRIVATE_H
#define LAMINA_OCI_CHANGES_PRIVATE_H

#include <stdbool.h>

#include "base/span.h"

struct diag;   /* base/diag.h */
struct idmaps; /* base/idmap.h */
struct inode;  /* tree/tree.h */
struct tree;   /* tree/tree.h */

/* What overlayfs has noted. */
struct overlay_marks {
	bool is_whiteout; /* of either kind */
	bool is_opaque;
	bool is_metacopy;
	bool has_redirect;
	struct span redirect;
};

struct overlay_marks overlay_marks_of(const struct inode *inode);

/* Copy the xattrs of source that a layer keeps to target, an inode of tree. maps may be NULL. */
int changes_xattrs(const struct inode *source, const struct idmaps *maps, struct tree *tree,
		   struct inode *target, struct diag *why);

#endif
