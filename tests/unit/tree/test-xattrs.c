/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"

static void keeps_xattrs_sorted_replaced_and_interned(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_with_root();
	struct inode *a = add(tree, tree->root, "a", S_IFREG),
		     *b = add(tree, tree->root, "b", S_IFREG);
	struct diag why = {0};

	(void)state;
#define SET(inode, key, value) \
	assert_ok(tree_xattr_set(tree, inode, SPAN_LITERAL(key), SPAN_LITERAL(value), &why), &why)
	SET(a, "user.z", "1");
	SET(a, "user.a", "same");
	SET(a, "security.x", "");
	SET(a, "user.z", "2");
	SET(b, "user.a", "same");
#undef SET
	assert_int_equal(3, a->xattr_count);
	assert_true(span_equal(a->xattrs[0]->key, SPAN_LITERAL("security.x")));
	assert_true(span_equal(a->xattrs[2]->value, SPAN_LITERAL("2")));
	assert_ptr_equal(a->xattrs[1], b->xattrs[0]);
	assert_ptr_equal(a->xattrs[1], inode_xattr(a, SPAN_LITERAL("user.a")));
	assert_null(inode_xattr(a, SPAN_LITERAL("user.b")));
}

static void limits_xattrs(void **state)
{
	static uint8_t bytes[XATTR_NODE_SIZE_MAX];
	CLEAN(tree_freep) struct tree *tree = tree_with_root();
	struct inode *a = add(tree, tree->root, "a", S_IFREG);
	struct span fits = span_of(bytes, XATTR_NODE_SIZE_MAX - 12 - 7 - 1);

	(void)state;
	memset(bytes, 'k', 256);
#define SET(key, value) tree_xattr_set(tree, a, key, value, NULL)
	assert_int_equal(-EINVAL, SET(SPAN_EMPTY, SPAN_EMPTY));
	assert_int_equal(-EINVAL, SET(span_of(bytes, 256), SPAN_EMPTY));
	assert_int_equal(-EINVAL, SET(SPAN_LITERAL("a\0b"), SPAN_EMPTY));
	assert_int_equal(-E2BIG, SET(SPAN_LITERAL("x"), span_of(bytes, fits.size + 1)));
	assert_int_equal(0, SET(SPAN_LITERAL("x"), fits));
	assert_int_equal(-E2BIG, SET(SPAN_LITERAL("y"), SPAN_EMPTY));
	assert_int_equal(0, SET(SPAN_LITERAL("x"), fits));
#undef SET
	assert_int_equal(1, a->xattr_count);
}

static bool is_short(const struct xattr *xattr, const void *context)
{
	(void)context;
	return xattr->key.size == 1;
}

/* Not added up again for each that is set: a layer can say one key forty thousand times. */
static void what_xattrs_take_is_kept_with_them(void **state)
{
	CLEAN(tree_freep) struct tree *tree = tree_with_root();
	struct inode *a = add(tree, tree->root, "a", S_IFREG);

	(void)state;
#define SET(key, value) assert_int_equal(0, tree_xattr_set(tree, a, key, value, NULL))
	SET(SPAN_LITERAL("x"), SPAN_LITERAL("12345"));
	SET(SPAN_LITERAL("long"), SPAN_EMPTY);
	assert_int_equal(7 + 1 + 5 + 7 + 4, a->xattrs_size);
	SET(SPAN_LITERAL("x"), SPAN_LITERAL("1"));
	assert_int_equal(7 + 1 + 1 + 7 + 4, a->xattrs_size);
	inode_xattrs_filter(a, is_short, NULL);
	assert_int_equal(1, a->xattr_count);
	assert_int_equal(7 + 1 + 1, a->xattrs_size);
	inode_xattrs_clear(a);
	assert_int_equal(0, a->xattr_count);
	assert_int_equal(0, a->xattrs_size);
	SET(SPAN_LITERAL("y"), SPAN_EMPTY);
#undef SET
	assert_int_equal(7 + 1, a->xattrs_size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_xattrs_sorted_replaced_and_interned),
		cmocka_unit_test(limits_xattrs),
		cmocka_unit_test(what_xattrs_take_is_kept_with_them),
	};

	return cmocka_run_group_tests_name("tree/xattrs", tests, NULL, NULL);
}
