/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/relabel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/file_contexts.h"
#include "oci/relabel_private.h"
#include "tree/tree.h"

#define LABEL_KEY SPAN_LITERAL("security.selinux")

/* A file with several names, by the label that some of them have. */
struct linked {
	const struct inode *original;
	struct span label; /* empty: none */
	struct inode *inode;
};

/* A directory that is being walked: its path, as the policy sees it, is part of relabeler->paths.
 */
struct frame {
	struct dentry *next;
	size_t path; /* offset */
	size_t path_size;
};

struct relabeler {
	struct tree *tree;
	struct file_contexts *contexts;
	struct buf paths;
	struct frame *frames; /* owned */
	size_t depth;
	size_t capacity;
	struct arena arena;
	struct map linked; /* struct linked */
	struct diag *why;
};

static void relabeler_release(struct relabeler *relabeler)
{
	buf_release(&relabeler->paths);
	memory_freep(&relabeler->frames);
	arena_release(&relabeler->arena);
	map_release(&relabeler->linked);
}

/* Empty: the policy gives none. */
static int label_find(struct relabeler *relabeler, const struct inode *inode, struct span path,
		      struct span *ret)
{
	struct span label = SPAN_EMPTY;
	int r = file_contexts_find(relabeler->contexts, path, inode->mode, &label, relabeler->why);

	if (r < 0)
		return r;
	*ret = label;
	return 0;
}

static int label_set(struct relabeler *relabeler, struct inode *inode, struct span label)
{
	if (!label.size)
		return 0;
	return tree_xattr_set(relabeler->tree, inode, LABEL_KEY, label, relabeler->why);
}

/* Hard links */

struct linked_key {
	const struct inode *original;
	struct span label;
};

static bool linked_equal(const void *item, const void *key)
{
	const struct linked *linked = item;
	const struct linked_key *wanted = key;

	return linked->original == wanted->original && span_equal(linked->label, wanted->label);
}

/* All of an inode but its names, and its label, which it may have got by now. */
static int inode_copy(struct relabeler *relabeler, const struct inode *inode, struct inode **ret)
{
	struct inode *copy = tree_inode_new(relabeler->tree, inode->mode), blank;

	if (!copy)
		return -ENOMEM;
	blank = *copy;
	*copy = *inode;
	copy->primary = NULL;
	copy->xattrs = blank.xattrs;
	inode_xattrs_clear(copy);
	for (size_t i = 0; i < inode->xattr_count; i++) {
		int r = 0;

		if (!span_equal(inode->xattrs[i]->key, LABEL_KEY))
			r = tree_xattr_set(relabeler->tree, copy, inode->xattrs[i]->key,
					   inode->xattrs[i]->value, relabeler->why);
		if (r < 0)
			return r;
	}
	*ret = copy;
	return 0;
}

/* The first name's label is the inode's; other names with another one share a copy of it. */
static int linked_label(struct relabeler *relabeler, struct dentry *dentry, struct span label)
{
	struct inode *inode = dentry->inode;
	struct linked_key key = {inode, label};
	uint32_t hash = hash_bytes(label, (uintptr_t)inode);
	struct linked *linked = map_find(&relabeler->linked, hash, linked_equal, &key);
	int r = 0;

	if (!linked) {
		linked = arena_new(&relabeler->arena, struct linked);
		if (!linked)
			return -ENOMEM;
		*linked = (struct linked){inode, label, inode};
		if (inode->index) /* it has a label */
			r = inode_copy(relabeler, inode, &linked->inode);
		inode->index = 1;
		if (r == 0)
			r = label_set(relabeler, linked->inode, label);
		if (r == 0)
			r = map_add(&relabeler->linked, hash, linked);
		if (r < 0)
			return r;
	}
	if (linked->inode != inode)
		dentry_inode_set(dentry, linked->inode);
	return 0;
}

/* The walk */

/* The directory whose path is the last path_size bytes of paths, from path on. */
static int frame_push(struct relabeler *relabeler, const struct inode *dir, size_t path)
{
	if (relabeler->depth == relabeler->capacity) {
		size_t capacity = relabeler->capacity ? 2 * relabeler->capacity : 64;
		struct frame *grown =
			reallocarray(relabeler->frames, capacity, sizeof(*relabeler->frames));

		if (!grown)
			return -ENOMEM;
		relabeler->frames = grown;
		relabeler->capacity = capacity;
	}
	relabeler->frames[relabeler->depth++] =
		(struct frame){dir->dir.first, path, relabeler->paths.size - path};
	return 0;
}

/*
 * Append the path of a name in the directory on top; one that has an alias is replaced, for all
 * below it, too. *ret is where it begins.
 */
static int path_append(struct relabeler *relabeler, const struct dentry *dentry, size_t *ret)
{
	const struct frame *top = &relabeler->frames[relabeler->depth - 1];
	struct buf *paths = &relabeler->paths;
	struct span path, alias;
	int r;

	paths->size = top->path + top->path_size;
	r = top->path_size && paths->data[paths->size - 1] == '/' ? 0 : buf_append_byte(paths, '/');
	if (r == 0)
		r = buf_append_span(paths, dentry_name(dentry));
	if (r < 0)
		return r;
	path = span_of(paths->data + top->path, paths->size - top->path);
	alias = file_contexts_alias(relabeler->contexts, path);
	*ret = top->path;
	if (alias.data == path.data)
		return 0;
	paths->size = *ret = top->path + top->path_size;
	return buf_append_span(paths, alias);
}

static int dentry_relabel(struct relabeler *relabeler, struct dentry *dentry)
{
	struct inode *inode = dentry->inode;
	struct span label;
	size_t path;
	int r = path_append(relabeler, dentry, &path);

	if (r == 0)
		r = label_find(relabeler, inode,
			       span_of(relabeler->paths.data + path, relabeler->paths.size - path),
			       &label);
	if (r < 0)
		return r;
	if (!inode_is_dir(inode) && inode->nlink > 1)
		return linked_label(relabeler, dentry, label);
	r = label_set(relabeler, inode, label);
	return r == 0 && inode_is_dir(inode) ? frame_push(relabeler, inode, path) : r;
}

static int walk(struct relabeler *relabeler)
{
	struct inode *root = relabeler->tree->root;
	struct span label;
	int r = buf_append_byte(&relabeler->paths, '/');

	if (r == 0)
		r = label_find(relabeler, root, buf_span(&relabeler->paths), &label);
	if (r == 0)
		r = label_set(relabeler, root, label);
	if (r == 0)
		r = frame_push(relabeler, root, 0);
	while (r == 0 && relabeler->depth) {
		struct frame *top = &relabeler->frames[relabeler->depth - 1];
		struct dentry *dentry = top->next;

		if (!dentry) {
			relabeler->depth--;
			continue;
		}
		top->next = dentry->next;
		r = dentry_relabel(relabeler, dentry);
	}
	return r;
}

int tree_relabel(struct tree *tree, const struct store *store, struct diag *why)
{
	CLEAN(file_contexts_freep) struct file_contexts *contexts = NULL;
	CLEAN(relabeler_release) struct relabeler relabeler = {.tree = tree, .why = why};
	int r = policy_read(tree, store, &contexts, why);

	if (r < 0)
		return diag_wrap(why, r, "SELinux policy");
	if (!contexts)
		return 0;
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d))
		d->inode->index = 0;
	relabeler.contexts = contexts;
	r = walk(&relabeler);
	return r < 0 ? diag_wrap(why, r, "SELinux labels") : tree_settle(tree);
}
