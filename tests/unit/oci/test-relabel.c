/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/relabel.h"
#include "tree/dump_read.h"
#include "tree/dump_write.h"
#include "tree/tree.h"
#include "unit/store/repo.h"

#define FILES "/etc/selinux/targeted/contexts/files"
#define DIRS                                                               \
	"/ 0 40755 2 0 0 0 0.0 - - -\n"                                    \
	"/etc 0 40755 2 0 0 0 0.0 - - -\n"                                 \
	"/etc/selinux 0 40755 2 0 0 0 0.0 - - -\n"                         \
	"/etc/selinux/targeted 0 40755 2 0 0 0 0.0 - - -\n"                \
	"/etc/selinux/targeted/contexts 0 40755 2 0 0 0 0.0 - - -\n" FILES \
	" 0 40755 2 0 0 0 0.0 - - -\n"
#define CONFIG "#SELINUXTYPE=no\\n selinuxtype = targeted \\nSELINUXTYPE=later\\n"

static void line_put(struct buf *text, const char *path, const char *escaped, size_t size)
{
	assert_int_equal(
		0, buf_printf(text, "%s %zu 100644 1 0 0 0 0.0 - %s -\n", path, size, escaped));
}

/* A file whose content has "\n" where a line ends. */
static void file_put(struct buf *text, const char *path, const char *content)
{
	size_t size = 0;

	for (const char *at = content; *at; at++)
		size += !(at[0] == '\\' && at[1] == 'n');
	{
		CLEAN(buf_release) struct buf escaped = {0};

		for (const char *at = content; *at; at++)
			assert_int_equal(0, *at == ' ' ? buf_append_string(&escaped, "\\x20")
						       : buf_append_byte(&escaped, (uint8_t)*at));
		line_put(text, path, buf_string(&escaped), size);
	}
}

static struct tree *tree_of(const struct buf *text)
{
	struct tree *tree = NULL;
	struct diag why = {0};

	assert_ok(dump_read_span(buf_span(text), NULL, &tree, &why), &why);
	assert_int_equal(0, tree_settle(tree));
	return tree;
}

static const char *label_of(const struct tree *tree, const char *path)
{
	const struct inode *inode = tree->root;
	const struct xattr *label;

	for (path++; *path; path += path[strcspn(path, "/")] == '/') {
		size_t size = strcspn(path, "/");
		struct dentry *dentry = tree_lookup(tree, inode, span_of(path, size));

		assert_non_null(dentry);
		inode = dentry->inode;
		path += size;
	}
	label = inode_xattr(inode, SPAN_LITERAL("security.selinux"));
	return label ? (const char *)label->value.data : "none";
}

static void assert_label(const char *expected, const struct tree *tree, const char *path)
{
	if (strcmp(expected, label_of(tree, path)) != 0)
		fail_msg("%s: %s, not %s", path, label_of(tree, path), expected);
}

static void labels_files_by_the_policy_in_the_tree(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf text = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, buf_append_string(&text,
					      DIRS "/lib64 0 40755 2 0 0 0 0.0 - - -\n"
						   "/lib64/x 0 40755 2 0 0 0 0.0 - - -\n"
						   "/lib64/x/y 0 100644 1 0 0 0 0.0 - - -\n"
						   "/lib64/z 1 120777 1 0 0 0 0.0 t - -\n"
						   "/run 0 40755 2 0 0 0 0.0 - - -\n"
						   "/run/a 0 10644 1 0 0 0 0.0 - - -\n"
						   "/zz 0 100644 1 0 0 0 0.0 - - - user.a=b\n"));
	file_put(&text, "/etc/selinux/config", CONFIG);
	file_put(&text, FILES "/file_contexts",
		 "/.* all\\n/usr/lib(/.*)? lib\\n/usr/lib/z -l link\\n/zz local\\n/ root\\n");
	file_put(&text, FILES "/file_contexts.local", "/zz <<none>>\\n/run/.* wrong\\n");
	file_put(&text, FILES "/file_contexts.homedirs", "/usr/lib/x/y home\\n");
	file_put(&text, FILES "/file_contexts.subs", "/run /wrong\\n/lib64/x /odd\\n");
	file_put(&text, FILES "/file_contexts.subs_dist", "/lib64 /usr/lib\\n/run /var/\\n");
	tree = tree_of(&text);
	assert_ok(tree_relabel(tree, NULL, &why), &why);
	assert_label("root", tree, "/");
	assert_label("lib", tree, "/lib64");
	assert_label("lib", tree, "/lib64/x");
	assert_label("home", tree, "/lib64/x/y");
	assert_label("link", tree, "/lib64/z");
	assert_label("all", tree, "/run"); /* it is /var/ */
	assert_label("all", tree, "/run/a");
	assert_label("none", tree, "/zz");
	assert_label("all", tree, FILES "/file_contexts");
	assert_non_null(inode_xattr(tree_lookup(tree, tree->root, SPAN_LITERAL("zz"))->inode,
				    SPAN_LITERAL("user.a")));
}

/* What is below an alias is looked for below what it stands for, where there can be one again. */
static void an_alias_may_lead_to_another(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf text = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, buf_append_string(&text, DIRS "/a 0 40755 2 0 0 0 0.0 - - -\n"
							  "/a/b 0 40755 2 0 0 0 0.0 - - -\n"
							  "/a/b/c 0 100644 1 0 0 0 0.0 - - -\n"
							  "/a/d 0 100644 1 0 0 0 0.0 - - -\n"));
	file_put(&text, "/etc/selinux/config", CONFIG);
	file_put(&text, FILES "/file_contexts", "/x/d first\\n/y/c second\\n");
	file_put(&text, FILES "/file_contexts.subs", "/a /x\\n/x/b /y\\n");
	tree = tree_of(&text);
	assert_ok(tree_relabel(tree, NULL, &why), &why);
	assert_label("second", tree, "/a/b/c");
	assert_label("first", tree, "/a/d");
	assert_label("none", tree, "/a");
}

static const struct inode *top(const struct tree *tree, const char *name)
{
	return tree_lookup(tree, tree->root, span_of_string(name))->inode;
}

static void a_hard_link_with_several_labels_becomes_several_files(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf text = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, buf_append_string(&text,
					      DIRS "/a 3 100640 1 7 8 0 5.6 - hi\\n - user.a=b\n"
						   "/b 0 @100644 1 0 0 0 0.0 /a - -\n"
						   "/c 0 @100644 1 0 0 0 0.0 /a - -\n"
						   "/d 0 @100644 1 0 0 0 0.0 /a - -\n"
						   "/n 0 @100644 1 0 0 0 0.0 /a - -\n"
						   "/o 0 @100644 1 0 0 0 0.0 /a - -\n"));
	file_put(&text, "/etc/selinux/config", CONFIG);
	file_put(&text, FILES "/file_contexts", "/[ac] one\\n/[bd] two\\n");
	tree = tree_of(&text);
	assert_ok(tree_relabel(tree, NULL, &why), &why);
	assert_label("one", tree, "/a");
	assert_label("two", tree, "/b");
	assert_label("none", tree, "/n");
	assert_ptr_equal(top(tree, "a"), top(tree, "c"));
	assert_ptr_equal(top(tree, "b"), top(tree, "d"));
	assert_ptr_equal(top(tree, "n"), top(tree, "o"));
	for (size_t i = 0; i < 3; i++) {
		const struct inode *inode = top(tree, &"a\0b\0n"[2 * i]);

		assert_int_equal(2, inode->nlink);
		assert_true(inode->mode == 0100640 && inode->uid == 7 && inode->gid == 8 &&
			    inode->mtime_sec == 5 && inode->mtime_nsec == 6);
		assert_memory_equal("hi\n", inode->inlined.content, 3);
		assert_non_null(inode_xattr(inode, SPAN_LITERAL("user.a")));
		assert_string_equal(&"a\0b\0n"[2 * i], inode -> primary -> name);
	}
}

static void without_a_policy_nothing_happens(void **state)
{
	static const char *const configs[] = {NULL, "", "SELINUX=disabled\\n", "#SELINUXTYPE=x"};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		CLEAN(tree_freep) struct tree *tree = NULL;
		CLEAN(buf_release) struct buf text = {0};
		struct diag why = {0};

		assert_int_equal(
			0,
			buf_append_string(&text, i == 4 ? "/ 0 40755 2 0 0 0 0.0 - - -\n" : DIRS));
		if (i < 4 && configs[i])
			file_put(&text, "/etc/selinux/config", configs[i]);
		tree = tree_of(&text);
		assert_ok(tree_relabel(tree, NULL, &why), &why);
		assert_label("none", tree, "/");
	}
}

static void refuses_a_policy_that_is_not_whole(void **state)
{
	static const struct {
		const char *config, *contexts, *line;
		int error;
		const char *why;
	} cases[] = {
		{"SELINUXTYPE=other", "/ x", "", -ENOENT, "there is no policy 'other'"},
		{"SELINUXTYPE=../targeted", "/ x", "", -ENOENT, "there is no policy '../targeted'"},
		{"SELINUXTYPE=", "/ x", "", -ENOENT, "there is no policy ''"},
		{"SELINUXTYPE=config", "/ x", "", -EUCLEAN, "'config' is not a directory"},
		{CONFIG, NULL, "", -ENOENT, "the policy has no file_contexts"},
		{CONFIG, "/ x\\n/(", "", -EUCLEAN, "file_contexts: line 2: not a pattern"},
		{CONFIG, "/ x", FILES "/file_contexts.subs 1 120777 1 0 0 0 0.0 x - -\n", -EUCLEAN,
		 "'file_contexts.subs' is not a file"},
		{CONFIG, "/ x", FILES "/file_contexts.local 9000000 100644 1 0 0 0 0.0 x - -\n",
		 -E2BIG, "'file_contexts.local' has more than"},
		{CONFIG, "/ x", FILES "/file_contexts.local 70 100644 1 0 0 0 0.0 x - -\n",
		 -EUCLEAN, "'file_contexts.local': a file without content"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEAN(tree_freep) struct tree *tree = NULL;
		CLEAN(buf_release) struct buf text = {0};
		struct diag why = {0};

		assert_int_equal(0, buf_append_string(&text, DIRS));
		file_put(&text, "/etc/selinux/config", cases[i].config);
		if (cases[i].contexts)
			file_put(&text, FILES "/file_contexts", cases[i].contexts);
		assert_int_equal(0, buf_append_string(&text, cases[i].line));
		tree = tree_of(&text);
		assert_int_equal(cases[i].error, tree_relabel(tree, NULL, &why));
		if (!strstr(why.text, cases[i].why))
			fail_msg("'%s'", why.text);
		assert_int_equal(0, strncmp(why.text, "SELinux policy: ", 16));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_files_by_the_policy_in_the_tree),
		cmocka_unit_test(an_alias_may_lead_to_another),
		cmocka_unit_test(a_hard_link_with_several_labels_becomes_several_files),
		cmocka_unit_test(without_a_policy_nothing_happens),
		cmocka_unit_test(refuses_a_policy_that_is_not_whole),
	};

	return cmocka_run_group_tests_name("oci/relabel", tests, NULL, NULL);
}
