/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * changes_private.h - a layer that is being made of an upper directory
 */
#ifndef LAMINA_OCI_CHANGES_PRIVATE_H
#define LAMINA_OCI_CHANGES_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "oci/changes.h"

struct diag;   /* base/diag.h */
struct idmaps; /* base/idmap.h */
struct inode;  /* tree/tree.h */
struct place;  /* changes.c */
struct tree;   /* tree/tree.h */

struct changes {
	const struct changes_request *request;
	struct tree *base;    /* NULL: none */
	struct tree *out;     /* owned */
	struct place *places; /* owned; by index of an inode of upper */
	uint32_t place_count;
	struct inode **clones; /* owned; by index of an inode of base, less one */
	uint32_t clone_count;
	uint64_t entry_count;
	struct changes_notes notes;
};

/*
 * A name in a directory of the layer: for inode, or with inode NULL for a new one of that mode. ret
 * may be NULL.
 */
int changes_link(struct changes *changes, struct inode *dir, struct span name, uint32_t mode,
		 struct inode *inode, struct inode **ret, struct diag *why);

/* All that is not a name. maps: of the source; may be NULL. */
int changes_inode(struct changes *changes, const struct inode *source, const struct idmaps *maps,
		  struct inode *target, struct diag *why);

/* The size and content of a regular file; tree has target. */
int changes_content(struct tree *tree, const struct inode *source, struct inode *target);

/* What the base has of that name in dir, which may be NULL or no directory; NULL: nothing. */
struct inode *changes_base_child(const struct changes *changes, const struct inode *dir,
				 struct span name);

/*
 * What overlayfs goes on with below: a redirect is the name in the same directory, or a path from
 * the root (overlayfs.rst, "redirect_dir").
 */
int changes_redirect(const struct changes *changes, struct span redirect,
		     const struct inode *lower_dir, struct inode **ret, struct diag *why);

/* Into out, all of lower that the directory of upper does not have itself, or hide. */
int changes_clone(struct changes *changes, const struct inode *upper, struct inode *lower,
		  struct inode *out, struct diag *why);

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
