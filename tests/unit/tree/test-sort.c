/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include "base/cleanup.h"

static void sorts_children_in_byte_order(void **state)
{
	static const char *const given[] = {"b", "\xff", "a", "ab", "-", "Z", "..b", "a.", "0"};
	static const char *const sorted[] = {"-", "..b", "0", "Z", "a", "a.", "ab", "b", "\xff"};
	CLEAN(tree_freep) struct tree *tree = tree_with_root();
	struct dentry *child;
	size_t i = 0;

	(void)state;
	for (size_t j = 0; j < 9; j++)
		(void)add(tree, tree->root, given[j], S_IFREG | 0644);
	tree_sort(tree);
	for (child = tree->root->dir.first; child; child = child->next)
		assert_string_equal(sorted[i++], child->name);
	assert_int_equal(9, i);
	assert_null(tree->root->dir.last->next);
	assert_string_equal("\xff", tree->root->dir.last->name);
}

static void sorts_many_and_finds_them(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_with_root();
	const char *before = "";
	char name[32];
	size_t count = 0;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "%08x", i * 2654435761u);
		(void)add(tree, tree->root, name, S_IFREG);
	}
	tree_sort(tree);
	for (struct dentry *d = tree->root->dir.first; d; d = d->next, count++) {
		assert_true(strcmp(before, d->name) < 0);
		before = d->name;
		assert_ptr_equal(d, tree_lookup(tree, tree->root, dentry_name(d)));
	}
	assert_int_equal(20000, count);
	assert_int_equal(20001, tree->inode_count);
	assert_null(tree_lookup(tree, tree->root, SPAN_LITERAL("none")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_children_in_byte_order),
		cmocka_unit_test(sorts_many_and_finds_them),
	};

	return cmocka_run_group_tests_name("tree/sort", tests, NULL, NULL);
}
