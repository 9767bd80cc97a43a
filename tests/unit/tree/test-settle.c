/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/cleanup.h"
#include "tree/tree.h"

static struct dentry *add(struct tree *tree, struct inode *dir, const char *name,
			  struct inode *inode)
{
	struct dentry *dentry;

	assert_int_equal(0, tree_link(tree, dir, span_of_string(name), inode, &dentry, NULL));
	return dentry;
}

/* /a/ has file and sub/, /b is file, too, and so is /z, which came first. */
static struct tree *tree_make(struct inode **ret_file)
{
	struct tree *tree = tree_new();
	struct inode *a = tree_inode_new(tree, S_IFDIR), *sub = tree_inode_new(tree, S_IFDIR);
	struct inode *file = tree_inode_new(tree, S_IFREG);

	assert_int_equal(0, tree_root_set(tree, tree_inode_new(tree, S_IFDIR), NULL));
	(void)add(tree, tree->root, "z", file);
	(void)add(tree, tree->root, "a", a);
	(void)add(tree, a, "file", file);
	(void)add(tree, a, "sub", sub);
	(void)add(tree, tree->root, "b", file);
	*ret_file = file;
	return tree;
}

static void counts_names_and_directories(void **state)
{
	struct inode *file;
	CLEAN(tree_freep) struct tree *tree = tree_make(&file);
	struct inode *a;

	(void)state;
	assert_int_equal(0, tree_settle(tree));
	assert_true(tree->is_sorted);
	assert_int_equal(4, tree->inode_count);
	assert_int_equal(3, tree->root->nlink);
	assert_int_equal(3, file->nlink);
	a = tree->root->dir.first->inode;
	assert_int_equal(3, a->nlink);
	assert_int_equal(2, a->dir.last->inode->nlink);
	assert_string_equal("b", file->primary->name);
}

static void what_was_taken_away_does_not_count(void **state)
{
	struct inode *file;
	CLEAN(tree_freep) struct tree *tree = tree_make(&file);

	(void)state;
	tree_unlink(tree, tree_lookup(tree, tree->root, SPAN_LITERAL("b")));
	assert_int_equal(0, tree_settle(tree));
	assert_string_equal("z", file->primary->name);
	assert_int_equal(2, file->nlink);
	dentry_inode_set(tree_lookup(tree, tree->root, SPAN_LITERAL("z")),
			 tree_inode_new(tree, S_IFIFO));
	assert_int_equal(0, tree_settle(tree));
	assert_string_equal("file", file->primary->name);
	assert_int_equal(5, tree->inode_count);
	tree_unlink(tree, tree_lookup(tree, tree->root, SPAN_LITERAL("a")));
	assert_int_equal(0, tree_settle(tree));
	assert_int_equal(2, tree->inode_count);
	assert_int_equal(2, tree->root->nlink);
}

static void primaries_leave_link_counts_alone(void **state)
{
	struct inode *file;
	CLEAN(tree_freep) struct tree *tree = tree_make(&file);

	(void)state;
	file->nlink = 77;
	tree->root->nlink = 78;
	assert_int_equal(0, tree_primaries_set(tree));
	assert_string_equal("b", file->primary->name);
	assert_int_equal(77, file->nlink);
	assert_int_equal(78, tree->root->nlink);
	assert_int_equal(4, tree->inode_count);
}

static void a_tree_without_a_root_is_settled(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_new();

	(void)state;
	assert_int_equal(0, tree_settle(tree));
	assert_int_equal(0, tree->inode_count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_names_and_directories),
		cmocka_unit_test(what_was_taken_away_does_not_count),
		cmocka_unit_test(primaries_leave_link_counts_alone),
		cmocka_unit_test(a_tree_without_a_root_is_settled),
	};

	return cmocka_run_group_tests_name("tree/settle", tests, NULL, NULL);
}
