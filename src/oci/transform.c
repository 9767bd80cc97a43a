/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/transform.h"

#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "oci/relabel.h"
#include "tree/merge.h"
#include "tree/tree.h"

/* A directory of the root; *ret is NULL when there is none of that name. */
static int top_find(const struct tree *tree, struct span name, struct inode **ret, struct diag *why)
{
	struct dentry *dentry = tree_lookup(tree, tree->root, name);

	if (dentry && !inode_is_dir(dentry->inode))
		return diag_set(why, -EUCLEAN, "/%s is not a directory", dentry->name);
	*ret = dentry ? dentry->inode : NULL;
	return 0;
}

static int metadata_copy(struct tree *tree, struct inode *target, const struct inode *source)
{
	target->mode = source->mode;
	target->uid = source->uid;
	target->gid = source->gid;
	target->mtime_sec = source->mtime_sec;
	target->mtime_nsec = source->mtime_nsec;
	inode_xattrs_clear(target);
	for (size_t i = 0; i < source->xattr_count; i++) {
		int r = tree_xattr_set(tree, target, source->xattrs[i]->key,
				       source->xattrs[i]->value, NULL);

		if (r < 0)
			return r;
	}
	return 0;
}

static void dir_empty(struct tree *tree, struct inode *dir)
{
	while (dir->dir.first)
		tree_unlink(tree, dir->dir.first);
}

static void run_empty(struct tree *tree, struct inode *run, const struct inode *usr)
{
	dir_empty(tree, run);
	run->mtime_sec = usr->mtime_sec;
	run->mtime_nsec = usr->mtime_nsec;
}

static bool stays(const struct xattr *xattr, const void *keeps_user_xattrs)
{
	return span_equal(xattr->key, SPAN_LITERAL("security.capability")) ||
	       (*(const bool *)keeps_user_xattrs &&
		span_starts_with(xattr->key, SPAN_LITERAL("user.")));
}

static int whiteouts_check(const struct tree *tree, struct diag *why)
{
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		if (inode_is_whiteout(d->inode) && d->inode->nlink > 1)
			return diag_set(why, -EUCLEAN,
					"a whiteout, the character device 0:0, has %u names",
					d->inode->nlink);
	}
	return 0;
}

int transform_for_oci(struct tree *tree, bool keeps_user_xattrs, struct diag *why)
{
	struct inode *usr = NULL, *run = NULL;
	int r = tree->root ? 0 : merge_layer_begin(tree);

	if (r == 0)
		r = top_find(tree, SPAN_LITERAL("usr"), &usr, why);
	if (r == 0)
		r = top_find(tree, SPAN_LITERAL("run"), &run, why);
	if (r == 0 && usr)
		r = metadata_copy(tree, tree->root, usr);
	if (r < 0)
		return r;
	if (run)
		run_empty(tree, run, usr ? usr : tree->root);
	inode_xattrs_filter(tree->root, stays, &keeps_user_xattrs);
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d))
		inode_xattrs_filter(d->inode, stays, &keeps_user_xattrs);
	r = tree_settle(tree);
	return r < 0 ? r : whiteouts_check(tree, why);
}

static int top_require(const struct tree *tree, struct span name, struct inode **ret,
		       struct diag *why)
{
	int r = top_find(tree, name, ret, why);

	if (r == 0 && !*ret)
		return diag_set(why, -ENOENT, "an image that boots has a directory /%.*s",
				(int)name.size, (const char *)name.data);
	return r;
}

int transform_for_boot(struct tree *tree, const struct store *store, struct diag *why)
{
	static const struct span emptied[] = {SPAN_LITERAL("boot"), SPAN_LITERAL("sysroot")};
	struct inode *usr = NULL, *dir = NULL;
	int r = top_require(tree, SPAN_LITERAL("usr"), &usr, why);

	for (size_t i = 0; i < 2 && r == 0; i++) {
		r = top_require(tree, emptied[i], &dir, why);
		if (r < 0)
			break;
		dir_empty(tree, dir);
		dir->mtime_sec = usr->mtime_sec; /* and the nanoseconds stay: ids depend on it */
	}
	if (r == 0)
		r = tree_settle(tree);
	return r < 0 ? r : tree_relabel(tree, store, why);
}
