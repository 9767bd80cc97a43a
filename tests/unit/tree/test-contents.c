/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include "base/cleanup.h"

static void holds_contents(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_with_root();
	struct inode *file = add(tree, tree->root, "f", S_IFREG);
	struct digest digest = {.algorithm = DIGEST_SHA256, .bytes = {1, 2, 3}}, got;
	struct span payload = SPAN_LITERAL("01/02");

	(void)state;
	assert_int_equal(0, inode_content_set(tree, file, SPAN_LITERAL("hello")));
	assert_true(file->is_inline);
	assert_false(inode_is_external(file));
	assert_int_equal(5, file->size);
	file->size = 100;
	assert_int_equal(0, inode_external_set(tree, file, &payload, &digest));
	assert_true(inode_is_external(file));
	assert_string_equal("01/02", file->external.payload);
	got = inode_digest(file);
	assert_true(digest_equal(&digest, &got));
	assert_int_equal(0, inode_external_set(tree, file, NULL, NULL));
	assert_null(file->external.payload);
	assert_int_equal(DIGEST_NONE, inode_digest(file).algorithm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_contents),
	};

	return cmocka_run_group_tests_name("tree/contents", tests, NULL, NULL);
}
