/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "tree/dump_read.h"
#include "tree/tree.h"
#include "tree/xattr_uses.h"

static struct tree *tree_of(struct span text)
{
	struct tree *tree = NULL;
	struct diag why = {0};

	assert_ok(dump_read_span(text, NULL, &tree, &why), &why);
	return tree;
}

static bool is_shared(const struct xattr_uses *uses, const struct tree *tree, const char *name,
		      const char *key)
{
	struct dentry *dentry = tree_lookup(tree, tree->root, span_of_string(name));
	const struct xattr *xattr = inode_xattr(dentry->inode, span_of_string(key));

	assert_non_null(xattr);
	return xattr_uses_is_shared(uses, xattr);
}

static void counts_inodes_not_names(void **state)
{
	CLEAN(tree_freep)
	struct tree *tree = tree_of(SPAN_LITERAL("/ 0 40755 2 0 0 0 0.0 - - - k=root\n"
						 "/a 0 100644 1 0 0 0 0.0 - - - k=v one=1\n"
						 "/b 0 100644 1 0 0 0 0.0 - - - k=v k2=v other=1\n"
						 "/c 0 @100644 1 0 0 0 0.0 /b - -\n"));
	CLEAN(xattr_uses_release) struct xattr_uses uses = {0};

	(void)state;
	assert_int_equal(0, xattr_uses_count(&uses, tree));
	assert_true(is_shared(&uses, tree, "a", "k"));
	assert_true(is_shared(&uses, tree, "b", "k"));
	assert_false(is_shared(&uses, tree, "b", "k2"));
	assert_false(is_shared(&uses, tree, "a", "one"));
	assert_false(is_shared(&uses, tree, "b", "other"));
	assert_false(xattr_uses_is_shared(&uses, tree->root->xattrs[0]));
}

/* As long as one of the 256 stubs is there. */
static void shares_the_label_of_the_root_with_the_stubs(void **state)
{
	CLEAN(xattr_uses_release) struct xattr_uses some = {0}, none = {0};
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(tree_freep) struct tree *one = NULL, *all = NULL;

	(void)state;
	assert_int_equal(
		0, buf_append_string(&text, "/ 0 40755 2 0 0 0 0.0 - - - security.selinux=l\n"));
	for (unsigned int i = 0; i < 255; i++)
		assert_int_equal(0, buf_printf(&text, "/%02x 0 100644 1 0 0 0 0.0 - - -\n", i));
	one = tree_of(buf_span(&text));
	assert_int_equal(0, xattr_uses_count(&some, one));
	assert_true(xattr_uses_is_shared(&some, one->root->xattrs[0]));
	assert_int_equal(0, buf_append_string(&text, "/ff 0 100644 1 0 0 0 0.0 - - -\n"));
	all = tree_of(buf_span(&text));
	assert_int_equal(0, xattr_uses_count(&none, all));
	assert_false(xattr_uses_is_shared(&none, all->root->xattrs[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_inodes_not_names),
		cmocka_unit_test(shares_the_label_of_the_root_with_the_stubs),
	};

	return cmocka_run_group_tests_name("tree/xattr_uses", tests, NULL, NULL);
}
