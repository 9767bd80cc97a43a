/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"

static void refuses_bad_names(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_with_root();
	struct inode *file = add(tree, tree->root, "file", S_IFREG);
	char long_name[NAME_SIZE_MAX + 1];

	(void)state;
	memset(long_name, 'x', sizeof(long_name));
#define LINK(dir, name) tree_link(tree, dir, name, file, NULL, NULL)
	assert_int_equal(-EINVAL, LINK(tree->root, SPAN_EMPTY));
	assert_int_equal(-EINVAL, LINK(tree->root, SPAN_LITERAL(".")));
	assert_int_equal(-EINVAL, LINK(tree->root, SPAN_LITERAL("..")));
	assert_int_equal(-EINVAL, LINK(tree->root, SPAN_LITERAL("a/b")));
	assert_int_equal(-EINVAL, LINK(tree->root, SPAN_LITERAL("a\0b")));
	assert_int_equal(-ENAMETOOLONG, LINK(tree->root, span_of(long_name, sizeof(long_name))));
	assert_int_equal(0, LINK(tree->root, span_of(long_name, NAME_SIZE_MAX)));
	assert_int_equal(-EEXIST, LINK(tree->root, SPAN_LITERAL("file")));
	assert_int_equal(-ENOTDIR, LINK(file, SPAN_LITERAL("x")));
#undef LINK
	assert_int_equal(2, tree->root->child_count);
}

static void a_second_name_is_a_hard_link(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_with_root();
	struct inode *file = add(tree, tree->root, "z", S_IFREG);
	struct dentry *link;

	(void)state;
	assert_int_equal(0, tree_link(tree, tree->root, SPAN_LITERAL("a"), file, &link, NULL));
	assert_ptr_equal(file, link->inode);
	assert_string_equal("z", file->primary->name);
	assert_int_equal(2, tree->inode_count);
}

static void a_name_that_is_taken_away_leaves_the_others(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_with_root();
	char name[8];

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "%u", (i * 7) % 1000);
		(void)add(tree, tree->root, name, S_IFREG | 0644);
	}
	for (unsigned int i = 0; i < 1000; i += 3) {
		(void)snprintf(name, sizeof(name), "%u", i);
		tree_unlink(tree, tree_lookup(tree, tree->root, span_of_string(name)));
		assert_null(tree_lookup(tree, tree->root, span_of_string(name)));
		if (i == 501)
			tree_sort(tree);
	}
	assert_int_equal(666, tree->root->child_count);
	(void)add(tree, tree->root, "0", S_IFREG | 0644);
	tree_sort(tree);
	assert_string_equal("0", tree->root->dir.first->name);
	for (struct dentry *d = tree->root->dir.first; d->next; d = d->next) {
		assert_ptr_equal(d, d->next->previous);
		assert_true(strcmp(d->name, d->next->name) < 0);
	}
	for (struct dentry *d = tree->root->dir.first; d; d = tree->root->dir.first)
		tree_unlink(tree, d);
	assert_null(tree->root->dir.last);
	assert_int_equal(0, tree->root->child_count);
}

static void walks_depth_first_through_any_depth(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_with_root();
	struct inode *dir = tree->root;
	size_t count = 0;

	(void)state;
	for (int i = 0; i < 100000; i++)
		dir = add(tree, dir, "d", S_IFDIR);
	(void)add(tree, tree->root, "e", S_IFREG);
	tree_sort(tree);
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d))
		count++;
	assert_int_equal(100001, count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_names),
		cmocka_unit_test(a_second_name_is_a_hard_link),
		cmocka_unit_test(a_name_that_is_taken_away_leaves_the_others),
		cmocka_unit_test(walks_depth_first_through_any_depth),
	};

	return cmocka_run_group_tests_name("tree/tree", tests, NULL, NULL);
}
