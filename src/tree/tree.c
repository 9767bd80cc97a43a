/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "tree/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/limits.h"

struct tree *tree_new(void)
{
	return calloc(1, sizeof(struct tree));
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	map_release(&tree->names);
	map_release(&tree->xattrs);
	arena_release(&tree->arena);
	free(tree);
}

void tree_freep(struct tree **tree)
{
	tree_free(*tree);
	*tree = NULL;
}

struct inode *tree_inode_new(struct tree *tree, uint32_t mode)
{
	struct inode *inode = arena_new(&tree->arena, struct inode);

	if (!inode)
		return NULL;
	inode->mode = mode;
	inode->nlink = 1;
	return inode;
}

int tree_root_set(struct tree *tree, struct inode *root, struct diag *why)
{
	if (tree->root)
		return diag_set(why, -EEXIST, "there is a root already");
	if (!inode_is_dir(root))
		return diag_set(why, -ENOTDIR, "the root is not a directory");
	tree->root = root;
	tree->inode_count++;
	return 0;
}

/* Names */

struct name_key {
	const struct inode *parent;
	struct span name;
};

static bool name_equal(const void *item, const void *key)
{
	const struct dentry *dentry = item;
	const struct name_key *wanted = key;

	return dentry->parent == wanted->parent && span_equal(dentry_name(dentry), wanted->name);
}

static uint32_t name_hash(const struct inode *parent, struct span name)
{
	return hash_bytes(name, (uint64_t)(uintptr_t)parent);
}

static int name_check(struct span name, struct diag *why)
{
	if (name.size == 0)
		return diag_set(why, -EINVAL, "empty file name");
	if (name.size > NAME_SIZE_MAX)
		return diag_set(why, -ENAMETOOLONG, "file name of %zu bytes, at most %d can be",
				name.size, NAME_SIZE_MAX);
	if (span_equal(name, SPAN_LITERAL(".")) || span_equal(name, SPAN_LITERAL("..")))
		return diag_set(why, -EINVAL, "file name is '.' or '..'");
	if (memchr(name.data, '/', name.size) || memchr(name.data, '\0', name.size))
		return diag_set(why, -EINVAL, "file name has a slash or NUL");
	return 0;
}

static struct dentry *dentry_new(struct tree *tree, struct inode *parent, struct span name,
				 struct inode *inode)
{
	struct dentry *dentry =
		arena_alloc(&tree->arena, sizeof(*dentry) + name.size + 1, _Alignof(struct dentry));

	if (!dentry)
		return NULL;
	*dentry = (struct dentry){
		.parent = parent,
		.inode = inode,
		.name_size = (uint8_t)name.size,
	};
	memcpy(dentry->name, name.data, name.size);
	dentry->name[name.size] = '\0';
	return dentry;
}

int tree_link(struct tree *tree, struct inode *dir, struct span name, struct inode *inode,
	      struct dentry **ret, struct diag *why)
{
	struct dentry *dentry;
	uint32_t hash;
	int r;

	if (!inode_is_dir(dir))
		return diag_set(why, -ENOTDIR, "the parent is not a directory");
	r = name_check(name, why);
	if (r < 0)
		return r;
	hash = name_hash(dir, name);
	if (map_find(&tree->names, hash, name_equal, &(struct name_key){dir, name}))
		return diag_set(why, -EEXIST, "the name is there already");
	dentry = dentry_new(tree, dir, name, inode);
	if (!dentry)
		return -ENOMEM;
	r = map_add(&tree->names, hash, dentry);
	if (r < 0)
		return r;
	dentry->previous = dir->dir.last;
	if (dir->dir.last)
		dir->dir.last->next = dentry;
	else
		dir->dir.first = dentry;
	dir->dir.last = dentry;
	dir->child_count++;
	if (!inode->primary) {
		inode->primary = dentry;
		tree->inode_count++;
	}
	tree->is_sorted = false;
	if (ret)
		*ret = dentry;
	return 0;
}

void tree_unlink(struct tree *tree, struct dentry *dentry)
{
	struct inode *dir = dentry->parent;

	map_remove(&tree->names, name_hash(dir, dentry_name(dentry)), dentry);
	if (dentry->previous)
		dentry->previous->next = dentry->next;
	else
		dir->dir.first = dentry->next;
	if (dentry->next)
		dentry->next->previous = dentry->previous;
	else
		dir->dir.last = dentry->previous;
	dir->child_count--;
}

void dentry_inode_set(struct dentry *dentry, struct inode *inode)
{
	dentry->inode = inode;
	if (!inode->primary)
		inode->primary = dentry;
}

struct dentry *tree_lookup(const struct tree *tree, const struct inode *dir, struct span name)
{
	return map_find(&tree->names, name_hash(dir, name), name_equal,
			&(struct name_key){dir, name});
}

struct dentry *tree_walk_first(const struct tree *tree)
{
	return tree->root ? tree->root->dir.first : NULL;
}

struct dentry *tree_walk_next(const struct tree *tree, struct dentry *dentry)
{
	if (inode_is_dir(dentry->inode) && dentry->inode->dir.first)
		return dentry->inode->dir.first;
	while (!dentry->next) {
		if (dentry->parent == tree->root)
			return NULL;
		dentry = dentry->parent->primary;
	}
	return dentry->next;
}
