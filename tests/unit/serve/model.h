/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * model.h - what a view has to answer, worked out from the tree alone
 *
 * Knows nothing of images: the rules are those of composefs-image.md, section 4, and of the table
 * in serve/xattr_names.h. What only the image decides (inode numbers, positions in directories, and
 * whether a directory's tail got a block) is learned from first answers, and has to stay so.
 */
#ifndef LAMINA_TESTS_SERVE_MODEL_H
#define LAMINA_TESTS_SERVE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "fuse/abi.h"
#include "serve/view.h"

struct tree; /* tree/tree.h */

#define MODEL_NO_OBJECT SIZE_MAX

struct model_entry {
	struct span name;
	uint32_t node;
	uint64_t next; /* learned */
};

struct model_xattr {
	struct span name;
	struct span value;
};

struct model_node {
	uint64_t nodeid;                  /* learned; 0: not yet */
	struct abi_attributes attributes; /* ino is learned, as is size of a directory */
	uint64_t dir_size_max;            /* when not what attributes.size says, then this */
	struct model_entry *entries;      /* of a directory, in byte order, with "." and ".." */
	uint32_t entry_count;
	struct model_xattr *xattrs; /* as shown, in byte order */
	uint32_t xattr_count;
	struct span content; /* of a file in the image, or the target of a symlink */
	bool is_external;
	size_t object; /* of random_objects; MODEL_NO_OBJECT: opening is an error... */
	int error;     /* ...this one */
};

struct model {
	struct arena arena;
	enum view_kind kind;
	bool has_acl;
	uint64_t inode_count; /* of the image, hidden ones too */
	uint32_t node_count;
	struct model_node *nodes; /* nodes[0] is the root */
};

/* version: of the image's format. The tree outlives the model; its inodes' index is changed. */
void model_make(struct model *model, const struct tree *tree, uint32_t version,
		enum view_kind kind);
void model_release(struct model *model);

/* NULL when there is none. */
struct model_entry *model_find(const struct model_node *dir, struct span name);
const struct model_xattr *model_xattr(const struct model_node *node, struct span name);

/* The answer to a LOOKUP that finds node. */
struct abi_entry model_entry(const struct model_node *node);

/*
 * The answer to READDIR or READDIRPLUS from entry index on, of at most limit bytes, into bytes.
 * Returns its size.
 */
size_t model_list(const struct model *model, const struct model_node *dir, uint32_t index,
		  bool plus, size_t limit, uint8_t *bytes);

/* Whether the kernel's EROFS has xattrs of that name in this image at all. */
bool model_knows(const struct model *model, struct span name);

#endif
