/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "tree/dump_private.h"
#include "tree/tree.h"

static struct inode *dir_add(struct tree *tree, struct inode *parent, const char *name)
{
	struct inode *dir = tree_inode_new(tree, S_IFDIR | 0755);
	struct diag why = {0};

	assert_non_null(dir);
	if (!parent)
		assert_ok(tree_root_set(tree, dir, &why), &why);
	else
		assert_ok(tree_link(tree, parent, span_of_string(name), dir, NULL, &why), &why);
	return dir;
}

static struct inode *find(struct dump_path *path, struct tree *tree, const char *text,
			  const char *name)
{
	struct diag why = {0};
	struct span got_name;
	struct inode *dir;

	assert_ok(dump_path_find(path, tree, span_of_string(text), &dir, &got_name, &why), &why);
	assert_int_equal(strlen(name), got_name.size);
	assert_memory_equal(name, got_name.data, got_name.size);
	return dir;
}

static void finds_the_directory_whatever_came_before(void **state)
{
	CLEAN(dump_path_release) struct dump_path path = {0};
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct inode *root, *a, *ab, *abc, *a2;

	(void)state;
	root = dir_add(tree, NULL, "");
	a = dir_add(tree, root, "a");
	ab = dir_add(tree, a, "b");
	abc = dir_add(tree, ab, "c");
	a2 = dir_add(tree, root, "ab");
	for (int i = 0; i < 2; i++) { /* the second time with everything known */
		assert_ptr_equal(root, find(&path, tree, "/x", "x"));
		assert_ptr_equal(abc, find(&path, tree, "/a/b/c/x", "x"));
		assert_ptr_equal(ab, find(&path, tree, "/a/b/c", "c"));
		assert_ptr_equal(a2, find(&path, tree, "/ab/x", "x"));
		assert_ptr_equal(a, find(&path, tree, "/a/ab", "ab"));
		assert_ptr_equal(abc, find(&path, tree, "/a/b/c/y", "y"));
		assert_ptr_equal(root, find(&path, tree, "y", "y"));
	}
}

static void takes_repeated_slashes_for_one(void **state)
{
	CLEAN(dump_path_release) struct dump_path path = {0};
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct inode *root, *a, *ab;

	(void)state;
	root = dir_add(tree, NULL, "");
	a = dir_add(tree, root, "a");
	ab = dir_add(tree, a, "b");
	assert_ptr_equal(root, find(&path, tree, "//x", "x"));
	assert_ptr_equal(ab, find(&path, tree, "///a//b///x", "x"));
	assert_ptr_equal(ab, find(&path, tree, "a/b/x", "x"));
	assert_ptr_equal(a, find(&path, tree, "//a/", ""));
}

static void refuses_a_parent_that_is_no_directory(void **state)
{
	static const char *const texts[] = {"/none/x", "/file/x", "/a/none/x", "/a/./x", "/a/../x"};
	CLEAN(tree_freep) struct tree *tree = tree_new();
	struct inode *root = dir_add(tree, NULL, "");
	struct diag why = {0};

	(void)state;
	(void)dir_add(tree, root, "a");
	assert_ok(tree_link(tree, root, SPAN_LITERAL("file"), tree_inode_new(tree, S_IFREG), NULL,
			    &why),
		  &why);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEAN(dump_path_release) struct dump_path path = {0};
		struct inode *dir;
		struct span name;

		/* Twice: a failure is not remembered as if it had been found. */
		assert_int_equal(-EUCLEAN, dump_path_find(&path, tree, span_of_string(texts[i]),
							  &dir, &name, &why));
		assert_int_equal(-EUCLEAN, dump_path_find(&path, tree, span_of_string(texts[i]),
							  &dir, &name, &why));
	}
}

static void refuses_more_depth_than_a_path_can_name(void **state)
{
	CLEAN(dump_path_release) struct dump_path path = {0};
	CLEAN(tree_freep) struct tree *tree = tree_new();
	CLEAN(buf_release) struct buf text = {0};
	struct inode *dir = dir_add(tree, NULL, ""), *got;
	struct diag why = {0};
	struct span name;

	(void)state;
	for (size_t i = 0; i < DEPTH_MAX + 1; i++) {
		dir = dir_add(tree, dir, "d");
		assert_int_equal(0, buf_append_string(&text, "/d"));
	}
	assert_ok(dump_path_find(&path, tree, buf_span(&text), &got, &name, &why), &why);
	assert_int_equal(0, buf_append_string(&text, "/d"));
	assert_int_equal(-E2BIG, dump_path_find(&path, tree, buf_span(&text), &got, &name, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_directory_whatever_came_before),
		cmocka_unit_test(takes_repeated_slashes_for_one),
		cmocka_unit_test(refuses_a_parent_that_is_no_directory),
		cmocka_unit_test(refuses_more_depth_than_a_path_can_name),
	};

	return cmocka_run_group_tests_name("tree/dump_path", tests, NULL, NULL);
}
