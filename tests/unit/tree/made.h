/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * made.h - trees for the tests of this room
 */
#ifndef LAMINA_TESTS_TREE_MADE_H
#define LAMINA_TESTS_TREE_MADE_H

#include "check.h"

#include "base/diag.h"
#include "tree/tree.h"

static inline struct tree *tree_with_root(void)
{
	struct tree *tree = tree_new();

	assert_non_null(tree);
	assert_int_equal(0, tree_root_set(tree, tree_inode_new(tree, S_IFDIR | 0755), NULL));
	return tree;
}

static inline struct inode *add(struct tree *tree, struct inode *dir, const char *name,
				uint32_t mode)
{
	struct inode *inode = tree_inode_new(tree, mode);
	struct diag why = {0};

	assert_non_null(inode);
	assert_ok(tree_link(tree, dir, span_of_string(name), inode, NULL, &why), &why);
	return inode;
}

#endif
