/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * settle.c - what is known of a tree only once all of it is there
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "tree/tree.h"

/* Forget the primaries, but those of directories, which have no other name. */
static size_t primaries_reset(struct tree *tree)
{
	size_t dir_count = 1;

	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		if (inode_is_dir(d->inode))
			dir_count++;
		else
			d->inode->primary = NULL;
	}
	return dir_count;
}

static void names_count(struct tree *tree, struct dentry *dentry, struct inode **queue,
			size_t *count, bool counts_links)
{
	struct inode *inode = dentry->inode;

	if (inode_is_dir(inode)) {
		queue[(*count)++] = inode;
		tree->inode_count++;
		if (counts_links) {
			inode->nlink = 2;
			dentry->parent->nlink++;
		}
		return;
	}
	if (!inode->primary) {
		inode->primary = dentry;
		tree->inode_count++;
		if (counts_links)
			inode->nlink = 0;
	}
	if (counts_links)
		inode->nlink++;
}

static int settle(struct tree *tree, bool counts_links)
{
	CLEAN(memory_freep) struct inode **queue = NULL;
	size_t count = 0;

	if (!tree->root)
		return 0;
	tree_sort(tree);
	queue = malloc(primaries_reset(tree) * sizeof(struct inode *));
	if (!queue)
		return -ENOMEM;
	queue[count++] = tree->root;
	tree->inode_count = 1;
	if (counts_links)
		tree->root->nlink = 2;
	for (size_t i = 0; i < count; i++) {
		for (struct dentry *d = queue[i]->dir.first; d; d = d->next)
			names_count(tree, d, queue, &count, counts_links);
	}
	return 0;
}

int tree_primaries_set(struct tree *tree)
{
	return settle(tree, false);
}

int tree_settle(struct tree *tree)
{
	return settle(tree, true);
}
