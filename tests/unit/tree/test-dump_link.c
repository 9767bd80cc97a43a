/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "tree/dump_read.h"
#include "tree/tree.h"

#define ROOT "/ 0 40755 2 0 0 0 0.0 - - -\n"
#define DIR_D "/d 0 40755 2 0 0 0 0.0 - - -\n"
#define FILE_F "/d/f 3 100644 2 0 0 0 0.0 - abc -\n"
#define LINK(from, to) from " 0 @100644 1 0 0 0 0.0 " to " - -\n"

static struct inode *inode_at(const struct tree *tree, const char *name)
{
	struct dentry *dentry = tree_lookup(tree, tree->root, span_of_string(name));

	assert_non_null(dentry);
	return dentry->inode;
}

static void points_forward_and_through_other_links(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct diag why = {0};
	struct inode *file;

	(void)state;
	assert_ok(dump_read_span(SPAN_LITERAL(ROOT LINK("/a", "/b") LINK("/b", "/c") LINK(
					 "/c", "d//f/") LINK("/e", "/b") DIR_D FILE_F),
				 NULL, &tree, &why),
		  &why);
	file = tree_lookup(tree, inode_at(tree, "d"), SPAN_LITERAL("f"))->inode;
	assert_ptr_equal(file, inode_at(tree, "a"));
	assert_ptr_equal(file, inode_at(tree, "b"));
	assert_ptr_equal(file, inode_at(tree, "c"));
	assert_ptr_equal(file, inode_at(tree, "e"));
	assert_string_equal("f", file->primary->name);
	assert_int_equal(2, file->nlink); /* as the line says, not counted */
	assert_int_equal(3, tree->inode_count);
}

static void follows_a_long_chain_in_either_direction(void **state)
{
	(void)state;
	for (int forward = 0; forward < 2; forward++) {
		CLEAN(tree_freep) struct tree *tree = NULL;
		CLEAN(buf_release) struct buf text = {0};
		struct diag why = {0};

		assert_int_equal(0, buf_append_string(&text, ROOT));
		for (unsigned int i = 0; i < 50000; i++) {
			unsigned int name = forward ? i : 49999 - i;

			assert_int_equal(0, buf_printf(&text, "/%u 0 @100644 1 0 0 0 0.0 /%u - -\n",
						       name, name + 1));
		}
		assert_int_equal(0,
				 buf_append_string(&text, "/50000 0 100644 1 0 0 0 0.0 - - -\n"));
		assert_ok(dump_read_span(buf_span(&text), NULL, &tree, &why), &why);
		assert_ptr_equal(inode_at(tree, "50000"), inode_at(tree, "0"));
		assert_ptr_equal(inode_at(tree, "50000"), inode_at(tree, "49999"));
		assert_int_equal(2, tree->inode_count);
	}
}

static void refuses_links_that_lead_nowhere(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *line;
	} cases[] = {
		{ROOT LINK("/a", "/a"), -ELOOP, "line 2: "},
		{ROOT LINK("/a", "/b") LINK("/b", "/a"), -ELOOP, "line 2: "},
		/* A cycle that is entered from outside, which the reference follows for ever. */
		{ROOT LINK("/b", "/c") LINK("/c", "/b") LINK("/a", "/b"), -ELOOP, "line 2: "},
		{ROOT LINK("/a", "/b") LINK("/b", "/c") LINK("/c", "/b"), -ELOOP, "line 2: "},
		{ROOT DIR_D FILE_F LINK("/a", "/d/f") LINK("/b", "/none"), -EUCLEAN, "line 5: "},
		{ROOT DIR_D FILE_F LINK("/a", "/d/f/x"), -EUCLEAN, "line 4: "},
		{ROOT DIR_D FILE_F LINK("/a", "/d/./f"), -EUCLEAN, "line 4: "},
		{ROOT DIR_D LINK("/d/a", "/d"), -EUCLEAN, "line 3: "},
		{ROOT DIR_D LINK("/d/a", "/d/b") LINK("/d/b", "/d"), -EUCLEAN, "line 3: "},
		{ROOT LINK("/a", "/"), -EUCLEAN, "line 2: "},
		{ROOT LINK("/", "/a"), -EUCLEAN, "line 2: "},
		{LINK("/", "/a"), -EUCLEAN, "line 1: "},
		{ROOT LINK("/a", "/b") "/a/x 0 100644 1 0 0 0 0.0 - - -\n", -EUCLEAN, "line 3: "},
		{ROOT LINK("/a", "/b") "/a 0 100644 1 0 0 0 0.0 - - -\n", -EUCLEAN, "line 3: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tree *tree = NULL;
		struct diag why = {0};

		assert_int_equal(cases[i].err,
				 dump_read_span(span_of_string(cases[i].text), NULL, &tree, &why));
		assert_memory_equal(cases[i].line, why.text, strlen(cases[i].line));
		assert_null(tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_forward_and_through_other_links),
		cmocka_unit_test(follows_a_long_chain_in_either_direction),
		cmocka_unit_test(refuses_links_that_lead_nowhere),
	};

	return cmocka_run_group_tests_name("tree/dump_link", tests, NULL, NULL);
}
