/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "tree/dump_read.h"
#include "tree/tree.h"

#define ROOT "/ 0 40755 2 0 0 0 0.0 - - -\n"

static const struct dump_options strict = {.is_strict = true};

static int read_text(const char *text, const struct dump_options *options, struct tree **ret,
		     struct diag *why)
{
	return dump_read_span(span_of_string(text), options, ret, why);
}

static struct inode *inode_at(const struct tree *tree, const char *name)
{
	struct dentry *dentry = tree_lookup(tree, tree->root, span_of_string(name));

	assert_non_null(dentry);
	return dentry->inode;
}

static int text_fd(struct span text)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(0, fd_pwrite(fd, text.data, text.size, 0));
	return fd;
}

static void makes_an_inode_of_every_type(void **state)
{
	static const char text[] = ROOT "/empty 0 100600 1 0 0 0 0.0 pay - -\n"
					"/inline 3 104755 1 1 2 0 -5.6 pay a\\x00b -\n"
					"/external 70 100644 1 0 0 0 0.0 xx/yy - "
					"000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c"
					"0d0e0f user.a=1 user.a=2\n"
					"/bare 70 100644 1 0 0 0 0.0 - - -\n"
					"/link 99 120777 1 0 0 0 0.0 tar\\x00get - -\n"
					"/chr 7 20644 1 0 0 259 0.0 - - -\n"
					"/blk 0 60644 1 0 0 4294967301 0.0 - - -\n"
					"/fifo 0 10644 1 0 0 5 0.0 - - -\n"
					"/sock 0 140644 1 0 0 0 0.0 - - -\n"
					"/dir 77 41777 9 0 0 0 0.0 x - -";
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct diag why = {0};
	struct inode *inode;

	(void)state;
	assert_ok(read_text(text, NULL, &tree, &why), &why);
	assert_int_equal(11, tree->inode_count);
	assert_true(tree->is_sorted);

	inode = inode_at(tree, "empty");
	assert_int_equal(0, inode->size);
	assert_false(inode->is_inline || inode_is_external(inode));

	inode = inode_at(tree, "inline");
	assert_int_equal(0104755, inode->mode);
	assert_int_equal(-5, inode->mtime_sec);
	assert_int_equal(6, inode->mtime_nsec);
	assert_true(inode->is_inline);
	assert_memory_equal("a\0b", inode->inlined.content, 3);

	inode = inode_at(tree, "external");
	assert_true(inode_is_external(inode));
	assert_string_equal("xx/yy", inode->external.payload);
	assert_int_equal(DIGEST_SHA256, inode_digest(inode).algorithm);
	assert_int_equal(1, inode->xattr_count);
	assert_int_equal('2', inode->xattrs[0]->value.data[0]);

	inode = inode_at(tree, "bare");
	assert_true(inode_is_external(inode));
	assert_null(inode->external.payload);
	assert_int_equal(DIGEST_NONE, inode_digest(inode).algorithm);

	assert_string_equal("tar", inode_at(tree, "link")->symlink.target);
	assert_int_equal(3, inode_at(tree, "link")->size);
	assert_int_equal(259, inode_at(tree, "chr")->rdev);
	assert_int_equal(5, inode_at(tree, "blk")->rdev);
	assert_int_equal(0, inode_at(tree, "fifo")->rdev);
	assert_int_equal(9, inode_at(tree, "dir")->nlink);
}

static void refuses_wrong_trees_and_says_where(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *says;
	} cases[] = {
		{"", -EUCLEAN, "there are no files in the dump"},
		{"\n", -EUCLEAN, "line 1: the path is empty"},
		{ROOT "\n", -EUCLEAN, "line 2: the path is empty"},
		{ROOT ROOT, -EUCLEAN, "line 2: there is a root already"},
		{"/a 0 40755 2 0 0 0 0.0 - - -\n", -EUCLEAN,
		 "line 1: the first line is not the root"},
		{"// 0 40755 2 0 0 0 0.0 - - -\n", -EUCLEAN,
		 "line 1: the first line is not the root"},
		{"/ 0 100644 2 0 0 0 0.0 - - -\n", -EUCLEAN, "line 1: the root is not a directory"},
		{ROOT "// 0 40755 2 0 0 0 0.0 - - -\n", -EUCLEAN, "line 2: empty file name"},
		{ROOT "/a/ 0 40755 2 0 0 0 0.0 - - -\n", -EUCLEAN, "line 2: the parent"},
		{ROOT "/. 0 40755 2 0 0 0 0.0 - - -\n", -EUCLEAN, "line 2: file name is"},
		{ROOT "/a/b 0 40755 2 0 0 0 0.0 - - -\n", -EUCLEAN, "line 2: the parent"},
		{ROOT "/a 0 100644 1 0 0 0 0.0 - - -\n/a/b 0 40755 2 0 0 0 0.0 - - -\n", -EUCLEAN,
		 "line 3: the parent is not a directory"},
		{ROOT "/a 0 100644 1 0 0 0 0.0 - - -\na 0 40755 2 0 0 0 0.0 - - -\n", -EUCLEAN,
		 "line 3: the name is there already"},
		{ROOT "/a 0 120777 1 0 0 0 0.0 - - -\n", -EUCLEAN, "line 2: a symlink without"},
		{ROOT "/a 0 120777 1 0 0 0 0.0\n", -EUCLEAN, "line 2: a symlink without"},
		/* Of no use to an empty file, and still looked at. */
		{ROOT "/a 0 100644 1 0 0 0 0.0 - - 00\n", -EUCLEAN, "line 2: digest of 2"},
		{ROOT "/a 0 100644 1 0 0 0 0.0 - - - =x\n", -EUCLEAN, "line 2: empty xattr key"},
		{ROOT "/a 9007199254740993 100644 1 0 0 0 0.0 - - -\n", -EFBIG, "line 2: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tree *tree = NULL;
		struct diag why = {0};

		assert_int_equal(cases[i].err, read_text(cases[i].text, NULL, &tree, &why));
		if (strncmp(cases[i].says, why.text, strlen(cases[i].says)) != 0)
			fail_msg("'%s' does not begin with '%s'", why.text, cases[i].says);
		assert_null(tree);
	}
}

static void accepts_odd_spellings(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct diag why = {0};
	struct inode *dir;

	(void)state;
	assert_ok(read_text("\\x2f\\x00x 0 40755 2 0 0 0 0.0 - - -\n"
			    "d\\x00e 0 40755 2 0 0 0 0.0\n"
			    "//d///\\x61 0 100644 1 0 0 0 0.0 - -  \n"
			    "d\\x2fb 9 10100777 1 0 0 4294967296 0.0  - - ",
			    NULL, &tree, &why),
		  &why);
	dir = inode_at(tree, "d");
	assert_int_equal(2, dir->child_count);
	assert_non_null(tree_lookup(tree, dir, SPAN_LITERAL("a")));
	assert_int_equal(0100777, tree_lookup(tree, dir, SPAN_LITERAL("b"))->inode->mode);
}

static void strict_refuses_more(void **state)
{
	static const char *const texts[] = {
		ROOT "/a 0 100644 1 0 0 5 0.0 - - -\n",
		ROOT "/a 0 40755 1 0 0 5 0.0 - - -\n",
		ROOT "/a 9 120777 1 0 0 0 0.0 abc - -\n",
		ROOT "/a 3 120777 1 0 0 0 0.0 abc abc -\n",
		ROOT "/a 3 120777 1 0 0 0 0.0 abc - -",
	};
	struct tree *tree = NULL;
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_ok(read_text(texts[i], NULL, &tree, &why), &why);
		tree_freep(&tree);
		assert_int_equal(-EUCLEAN, read_text(texts[i], &strict, &tree, &why));
		assert_memory_equal("line 2: ", why.text, 8);
	}
	assert_ok(read_text(ROOT "/a 3 120777 1 0 0 0 0.0 abc - -\n/c 3 20644 1 0 0 5 0.0 - - -\n",
			    &strict, &tree, &why),
		  &why);
	tree_free(tree);
}

static void holds_the_xattrs_of_an_inode_to_their_limit(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf text = {0};
	struct diag why = {0};
	size_t start;

	(void)state;
	assert_int_equal(0, buf_append_string(&text, ROOT "/a 0 100644 1 0 0 0 0.0 - - - k="));
	start = text.size;
	assert_int_equal(0, buf_append_zeros(&text, XATTR_NODE_SIZE_MAX - 12 - 7 - 1));
	memset(text.data + start, 'v', text.size - start);
	assert_ok(dump_read_span(buf_span(&text), NULL, &tree, &why), &why);
	tree_freep(&tree);
	assert_int_equal(0, buf_append_byte(&text, 'v'));
	assert_int_equal(-E2BIG, dump_read_span(buf_span(&text), NULL, &tree, &why));
}

/* Repeated keys replace each other, so only the length of the text is left to bound the work. */
static void holds_the_text_of_xattrs_to_its_limit(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf text = {0};
	struct diag why = {0};
	size_t start;

	(void)state;
	assert_int_equal(0, buf_append_string(&text, ROOT "/a 0 100644 1 0 0 0 0.0 - - - "));
	start = text.size;
	while (text.size - start < XATTR_LINE_SIZE_MAX - 3)
		assert_int_equal(0, buf_append_string(&text, "k=v "));
	assert_int_equal(0, buf_append_string(&text, "k=v"));
	assert_int_equal(XATTR_LINE_SIZE_MAX, text.size - start);
	assert_ok(dump_read_span(buf_span(&text), NULL, &tree, &why), &why);
	tree_freep(&tree);
	assert_int_equal(0, buf_append_string(&text, "w"));
	assert_int_equal(-E2BIG, dump_read_span(buf_span(&text), NULL, &tree, &why));
}

static void reads_lines_that_cross_its_buffer(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(fd_closep) int fd = -1;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, buf_append_string(&text, ROOT));
	for (unsigned int i = 0; i < 20000; i++)
		assert_int_equal(0, buf_printf(&text, "/file%u %u 100644 1 0 0 0 0.0 %0*u - -\n", i,
					       i + 1, (int)(1 + i % 200), i));
	fd = text_fd(buf_span(&text));
	assert_ok(dump_read_fd(fd, NULL, &tree, &why), &why);
	assert_int_equal(20001, tree->inode_count);
	for (unsigned int i = 0; i < 20000; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "file%u", i);
		assert_int_equal(i + 1, inode_at(tree, name)->size);
		assert_int_equal(i, strtoul(inode_at(tree, name)->external.payload, NULL, 10));
	}
}

static void refuses_a_line_without_end(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(fd_closep) int fd = -1;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, buf_append_string(&text, ROOT "/a 0 @100644 1 0 0 0 0.0 /b - - "));
	assert_int_equal(0, buf_append_zeros(&text, 4 * DUMP_LINE_SIZE_MAX));
	fd = text_fd(buf_span(&text));
	assert_int_equal(-E2BIG, dump_read_fd(fd, NULL, &tree, &why));
	assert_memory_equal("line 2: ", why.text, 8);
	assert_int_equal(-E2BIG, dump_read_span(buf_span(&text), NULL, &tree, &why));
	assert_memory_equal("line 2: ", why.text, 8);
}

static void passes_on_what_reading_says(void **state)
{
	CLEAN(fd_closep) int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tree *tree = NULL;
	struct diag why = {0};

	(void)state;
	assert_int_equal(-EISDIR, dump_read_fd(fd, NULL, &tree, &why));
	assert_null(tree);
}

static void refuses_every_golden_dump_that_should_fail(void **state)
{
	DIR *dir = opendir(source_path("tests/golden/should-fail"));
	struct dirent *entry;
	size_t count = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		CLEAN(fd_closep) int fd = -1;
		struct tree *tree = NULL;
		struct diag why = {0};

		if (entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_true(dump_read_fd(fd, NULL, &tree, &why) < 0);
		assert_memory_equal("line ", why.text, 5);
		assert_null(tree);
		count++;
	}
	(void)closedir(dir);
	assert_int_equal(7, count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_an_inode_of_every_type),
		cmocka_unit_test(refuses_wrong_trees_and_says_where),
		cmocka_unit_test(accepts_odd_spellings),
		cmocka_unit_test(strict_refuses_more),
		cmocka_unit_test(holds_the_xattrs_of_an_inode_to_their_limit),
		cmocka_unit_test(holds_the_text_of_xattrs_to_its_limit),
		cmocka_unit_test(reads_lines_that_cross_its_buffer),
		cmocka_unit_test(refuses_a_line_without_end),
		cmocka_unit_test(passes_on_what_reading_says),
		cmocka_unit_test(refuses_every_golden_dump_that_should_fail),
	};

	return cmocka_run_group_tests_name("tree/dump_read", tests, NULL, NULL);
}
