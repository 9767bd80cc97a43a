/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "tree/tree.h"

static struct tree *tree_with_root(void)
{
	struct tree *tree = tree_new();

	assert_non_null(tree);
	assert_int_equal(0, tree_root_set(tree, tree_inode_new(tree, S_IFDIR | 0755), NULL));
	return tree;
}

static struct inode *add(struct tree *tree, struct inode *dir, const char *name, uint32_t mode)
{
	struct inode *inode = tree_inode_new(tree, mode);
	struct diag why = {0};

	assert_non_null(inode);
	assert_ok(tree_link(tree, dir, span_of_string(name), inode, NULL, &why), &why);
	return inode;
}

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
		cmocka_unit_test(sorts_children_in_byte_order),
		cmocka_unit_test(sorts_many_and_finds_them),
		cmocka_unit_test(refuses_bad_names),
		cmocka_unit_test(a_second_name_is_a_hard_link),
		cmocka_unit_test(a_name_that_is_taken_away_leaves_the_others),
		cmocka_unit_test(keeps_xattrs_sorted_replaced_and_interned),
		cmocka_unit_test(limits_xattrs),
		cmocka_unit_test(what_xattrs_take_is_kept_with_them),
		cmocka_unit_test(walks_depth_first_through_any_depth),
		cmocka_unit_test(holds_contents),
	};

	return cmocka_run_group_tests_name("tree/tree", tests, NULL, NULL);
}
