/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * sort.c - the children of directories in byte order of their names
 */
#include "tree/tree.h"

/* Merge sort: stable, no memory beside the list, and one pass over a list that is in order. */
static struct dentry *children_merge(struct dentry *left, struct dentry *right)
{
	struct dentry *first, **tail = &first;

	while (left && right) {
		struct dentry **smaller =
			span_compare(dentry_name(left), dentry_name(right)) <= 0 ? &left : &right;

		*tail = *smaller;
		tail = &(*smaller)->next;
		*smaller = *tail;
	}
	*tail = left ? left : right;
	return first;
}

static bool children_are_sorted(const struct dentry *first)
{
	for (; first && first->next; first = first->next) {
		if (span_compare(dentry_name(first), dentry_name(first->next)) > 0)
			return false;
	}
	return true;
}

static void children_sort(struct inode *dir)
{
	struct dentry *runs[32] = {NULL}; /* runs[i] has 2^i dentries; child_count has 32 bits */
	struct dentry *list = dir->dir.first, *sorted = NULL;

	if (children_are_sorted(list))
		return;
	while (list) {
		struct dentry *run = list;
		size_t i = 0;

		list = list->next;
		run->next = NULL;
		for (; i < 31 && runs[i]; i++) {
			run = children_merge(runs[i], run);
			runs[i] = NULL;
		}
		runs[i] = run;
	}
	for (size_t i = 0; i < 32; i++) {
		if (runs[i])
			sorted = children_merge(runs[i], sorted);
	}
	dir->dir.first = sorted;
	dir->dir.last = NULL;
	for (; sorted; sorted = sorted->next) {
		sorted->previous = dir->dir.last;
		dir->dir.last = sorted;
	}
}

void tree_sort(struct tree *tree)
{
	if (tree->is_sorted || !tree->root)
		return;
	children_sort(tree->root);
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		if (inode_is_dir(d->inode))
			children_sort(d->inode);
	}
	tree->is_sorted = true;
}
