/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "tree/xattr_uses.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "tree/tree.h"

struct xattr_use {
	const struct xattr *xattr;
	uint32_t inodes; /* saturates at 2: more is not asked for */
};

void xattr_uses_release(struct xattr_uses *uses)
{
	map_release(&uses->map);
	memory_freep(&uses->uses);
	*uses = (struct xattr_uses){0};
}

static bool use_equal(const void *item, const void *key)
{
	return ((const struct xattr_use *)item)->xattr == key;
}

static uint32_t use_hash(const struct xattr *xattr)
{
	return hash_bytes(span_of(&xattr, sizeof(xattr)), 0);
}

/* uses->uses has room for every struct xattr of the tree, so its items do not move. */
static int use_add(struct xattr_uses *uses, const struct xattr *xattr, uint32_t inodes)
{
	uint32_t hash = use_hash(xattr);
	struct xattr_use *use = map_find(&uses->map, hash, use_equal, xattr);

	if (use) {
		use->inodes = 2;
		return 0;
	}
	use = &uses->uses[uses->count++];
	*use = (struct xattr_use){xattr, inodes};
	return map_add(&uses->map, hash, use);
}

static int inode_add(struct xattr_uses *uses, const struct inode *inode)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < inode->xattr_count; i++)
		r = use_add(uses, inode->xattrs[i], 1);
	return r;
}

static bool name_is_hex_pair(const struct dentry *dentry)
{
	const char *digits = "0123456789abcdef";

	return dentry->name_size == 2 && strchr(digits, dentry->name[0]) &&
	       strchr(digits, dentry->name[1]);
}

/* The 256 stubs in the root of an image have its security.selinux, where no file has their name. */
static int stubs_add(struct xattr_uses *uses, const struct tree *tree)
{
	const struct xattr *label = inode_xattr(tree->root, SPAN_LITERAL("security.selinux"));
	size_t taken = 0;

	for (const struct dentry *d = tree->root->dir.first; d; d = d->next)
		taken += name_is_hex_pair(d);
	return label && taken < 256 ? use_add(uses, label, 2) : 0;
}

int xattr_uses_count(struct xattr_uses *uses, const struct tree *tree)
{
	int r;

	uses->uses = calloc(tree->xattrs.count + 1, sizeof(*uses->uses));
	if (!uses->uses)
		return -ENOMEM;
	r = inode_add(uses, tree->root);
	for (struct dentry *d = tree_walk_first(tree); r == 0 && d; d = tree_walk_next(tree, d)) {
		if (d == d->inode->primary)
			r = inode_add(uses, d->inode);
	}
	return r == 0 ? stubs_add(uses, tree) : r;
}

bool xattr_uses_is_shared(const struct xattr_uses *uses, const struct xattr *xattr)
{
	const struct xattr_use *use = map_find(&uses->map, use_hash(xattr), use_equal, xattr);

	return use && use->inodes > 1;
}
