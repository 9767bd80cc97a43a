/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/toc.h"
#include "tree/tree.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define TABLE(entries) "{\"version\":1,\"entries\":[" entries "]}"

static int parse(const char *text, enum toc_format format, struct toc **ret, struct diag *why)
{
	*why = (struct diag){0};
	return toc_parse(span_of_string(text), format, 1000, ret, why);
}

static void entries_are_those_of_the_archive(void **state)
{
	static const char text[] = TABLE(
		"{\"type\":\"dir\",\"name\":\"usr/\",\"mode\":16877,\"uid\":1,\"gid\":2,"
		"\"modtime\":\"2020-02-29T12:34:56.5+01:30\",\"xattrs\":{\"user.a\":\"AAE=\"}},"
		"{\"type\":\"char\",\"name\":\"c\",\"devMajor\":1,\"devMinor\":3},"
		"{\"type\":\"symlink\",\"name\":\"l\",\"linkName\":\"usr\","
		"\"modtime\":\"1969-12-31T23:59:59Z\"},"
		"{\"type\":\"reg\",\"name\":\"empty\",\"digest\":\"\",\"size\":0},"
		"{\"type\":\"fifo\",\"name\":\"f\",\"modtime\":\"0001-01-01T00:00:00Z\"}");
	struct toc *toc;
	struct diag why;

	(void)state;
	assert_ok(parse(text, TOC_ZSTD_CHUNKED, &toc, &why), &why);
	assert_int_equal(5, toc->count);
	assert_int_equal(0, toc->chunk_count);
	assert_int_equal(TAR_DIRECTORY, toc->entries[0].meta.type);
	assert_int_equal(0755, toc->entries[0].meta.mode);
	assert_int_equal(1, toc->entries[0].meta.uid);
	assert_int_equal(1582979696 - 5400, toc->entries[0].meta.mtime_sec);
	assert_int_equal(500000000, toc->entries[0].meta.mtime_nsec);
	assert_int_equal(1, toc->entries[0].meta.xattr_count);
	assert_true(span_equal(SPAN_LITERAL("\0\1"), toc->entries[0].meta.xattrs[0].value));
	assert_int_equal(3, toc->entries[1].meta.rdev_minor);
	assert_true(span_equal(SPAN_LITERAL("usr"), toc->entries[2].meta.target));
	assert_int_equal(-1, toc->entries[2].meta.mtime_sec);
	assert_int_equal(DIGEST_NONE, toc->entries[3].content.algorithm);
	assert_int_equal(0, toc->entries[4].meta.mtime_sec);
	toc_free(toc);
}

static void parts_of_zstd_chunked_end_where_it_says(void **state)
{
	static const char text[] =
		TABLE("{\"type\":\"reg\",\"name\":\"a\",\"size\":10,\"digest\":\"" A
		      "\",\"offset\":5,\"endOffset\":20},"
		      "{\"type\":\"reg\",\"name\":\"b\",\"size\":30,\"digest\":\"" B
		      "\",\"offset\":30,\"endOffset\":90,\"chunkSize\":10,\"chunkDigest\":\"" C
		      "\"},{\"type\":\"chunk\",\"name\":\"b\",\"offset\":50,\"chunkOffset\":10,"
		      "\"chunkSize\":15,\"chunkType\":\"zeros\"},"
		      "{\"type\":\"chunk\",\"name\":\"b\",\"offset\":70,\"chunkOffset\":25}");
	struct toc *toc;
	struct diag why;

	(void)state;
	assert_ok(parse(text, TOC_ZSTD_CHUNKED, &toc, &why), &why);
	assert_int_equal(2, toc->count);
	assert_int_equal(4, toc->chunk_count);
	assert_int_equal(20, toc->chunks[0].end);
	assert_int_equal(10, toc->chunks[0].size);
	assert_int_equal(3, toc->entries[1].chunk_count);
	assert_int_equal(50, toc->chunks[1].end);
	assert_int_equal(DIGEST_SHA256, toc->chunks[1].digest.algorithm);
	assert_int_equal(70, toc->chunks[2].end);
	assert_true(toc->chunks[2].is_zeros);
	assert_int_equal(90, toc->chunks[3].end);
	assert_int_equal(5, toc->chunks[3].size);
	assert_int_equal(DIGEST_NONE, toc->chunks[3].digest.algorithm);
	toc_free(toc);
}

static void parts_of_estargz_end_where_the_next_begins(void **state)
{
	static const char text[] =
		TABLE("{\"type\":\"reg\",\"name\":\"late\",\"size\":10,\"chunkDigest\":\"" A
		      "\",\"offset\":500},"
		      "{\"type\":\"reg\",\"name\":\"b\",\"size\":30,\"digest\":\"" B
		      "\",\"offset\":30,\"chunkSize\":20},"
		      "{\"type\":\"chunk\",\"name\":\"b\",\"offset\":50,\"chunkOffset\":20},"
		      "{\"type\":\"reg\",\"name\":\"inner\",\"size\":1,\"digest\":\"" C
		      "\",\"offset\":50,\"innerOffset\":600}");
	struct toc *toc;
	struct diag why;

	(void)state;
	assert_ok(parse(text, TOC_ESTARGZ, &toc, &why), &why);
	assert_int_equal(1000, toc->chunks[0].end);
	/* where there is one part, its digest is the file's */
	assert_int_equal(0xaa, toc->entries[0].content.bytes[0]);
	assert_int_equal(50, toc->chunks[1].end);
	assert_int_equal(500, toc->chunks[2].end);
	assert_int_equal(500, toc->chunks[3].end);
	assert_int_equal(600, toc->chunks[3].skip);
	toc_free(toc);
}

/* What stargz-snapshotter makes with zstd has no ends either. */
static void parts_without_an_end_end_where_the_next_begins(void **state)
{
	static const char text[] = TABLE(
		"{\"type\":\"reg\",\"name\":\"a\",\"size\":10,\"digest\":\"" A "\",\"offset\":5},"
		"{\"type\":\"reg\",\"name\":\"b\",\"size\":10,\"digest\":\"" B
		"\",\"offset\":50,\"endOffset\":60},"
		"{\"type\":\"reg\",\"name\":\"c\",\"size\":10,\"digest\":\"" B "\",\"offset\":70}");
	struct toc *toc;
	struct diag why;

	(void)state;
	assert_ok(parse(text, TOC_ZSTD_CHUNKED, &toc, &why), &why);
	assert_int_equal(50, toc->chunks[0].end);
	assert_int_equal(60, toc->chunks[1].end);
	assert_int_equal(1000, toc->chunks[2].end);
	toc_free(toc);
}

#define FILE_OF(fields) TABLE("{\"type\":\"reg\",\"name\":\"a\",\"digest\":\"" A "\"," fields "}")
#define TWO_OF(first, second)                                                \
	TABLE("{\"type\":\"reg\",\"name\":\"a\",\"size\":10,\"digest\":\"" A \
	      "\",\"endOffset\":99," first "},{\"type\":\"chunk\",\"name\":\"a\"," second "}")

static void what_cannot_be_is_refused(void **state)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{"", -EUCLEAN},
		{"[]", -EUCLEAN},
		{"{\"version\":2,\"entries\":[]}", -EOPNOTSUPP},
		{"{\"version\":1,\"version\":1,\"entries\":[]}", -EUCLEAN},
		{"{\"version\":1,\"entries\":{}}", -EUCLEAN},
		{TABLE("3"), -EUCLEAN},
		{TABLE("{}"), -EUCLEAN},
		{TABLE("{\"type\":\"reg\"}"), -EUCLEAN},
		{TABLE("{\"type\":\"reg\",\"name\":\"\"}"), -EUCLEAN},
		{TABLE("{\"type\":\"reg\",\"name\":\"a\\u0000b\"}"), -EUCLEAN},
		{TABLE("{\"type\":\"reg\",\"name\":\"a\\ufffdb\"}"), -EOPNOTSUPP},
		{TABLE("{\"type\":\"door\",\"name\":\"a\"}"), -EOPNOTSUPP},
		{TABLE("{\"type\":\"symlink\",\"name\":\"a\"}"), -EUCLEAN},
		{TABLE("{\"type\":\"dir\",\"name\":\"a\",\"uid\":-1}"), -EUCLEAN},
		{TABLE("{\"type\":\"dir\",\"name\":\"a\",\"gid\":4294967296}"), -EUCLEAN},
		{TABLE("{\"type\":\"dir\",\"name\":\"a\",\"mode\":\"755\"}"), -EUCLEAN},
		{TABLE("{\"type\":\"dir\",\"name\":\"a\",\"modtime\":\"yesterday\"}"), -EUCLEAN},
		{TABLE("{\"type\":\"dir\",\"name\":\"a\",\"modtime\":\"2020-13-01T00:00:00Z\"}"),
		 -EUCLEAN},
		{TABLE("{\"type\":\"dir\",\"name\":\"a\",\"modtime\":\"2020-01-01T00:00:00\"}"),
		 -EUCLEAN},
		{TABLE("{\"type\":\"dir\",\"name\":\"a\",\"xattrs\":{\"user.a\":\"?\"}}"),
		 -EUCLEAN},
		{TABLE("{\"type\":\"dir\",\"name\":\"a\",\"xattrs\":{\"user.a\":3}}"), -EUCLEAN},
		/* places */
		{FILE_OF("\"size\":1,\"offset\":1000,\"endOffset\":1001"), -EUCLEAN},
		{FILE_OF("\"size\":1,\"offset\":10,\"endOffset\":1001"), -EUCLEAN},
		{FILE_OF("\"size\":1,\"offset\":10,\"endOffset\":10"), -EUCLEAN},
		{FILE_OF("\"size\":1,\"offset\":10,\"endOffset\":9"), -EUCLEAN},
		{FILE_OF("\"size\":1,\"offset\":-1,\"endOffset\":9"), -EUCLEAN},
		{FILE_OF("\"size\":1,\"offset\":9223372036854775807,\"endOffset\":9"), -EUCLEAN},
		{FILE_OF("\"size\":-1,\"offset\":1,\"endOffset\":9"), -EUCLEAN},
		{FILE_OF("\"size\":1,\"offset\":1,\"endOffset\":9,\"innerOffset\":99999999999"),
		 -EUCLEAN},
		{FILE_OF("\"size\":5,\"offset\":1,\"endOffset\":9,\"chunkSize\":6"), -EUCLEAN},
		{FILE_OF("\"size\":5,\"offset\":1,\"endOffset\":9,\"chunkSize\":4"), -EUCLEAN},
		{FILE_OF("\"size\":5,\"offset\":1,\"endOffset\":9,\"chunkOffset\":1"), -EUCLEAN},
		{FILE_OF("\"size\":5,\"offset\":1,\"endOffset\":9,\"chunkType\":\"holes\""),
		 -EOPNOTSUPP},
		/* parts */
		{TABLE("{\"type\":\"chunk\",\"name\":\"a\",\"offset\":1}"), -EUCLEAN},
		{TABLE("{\"type\":\"dir\",\"name\":\"a\"},"
		       "{\"type\":\"chunk\",\"name\":\"a\",\"offset\":1}"),
		 -EUCLEAN},
		{TWO_OF("\"offset\":5,\"chunkSize\":6", "\"offset\":5,\"chunkOffset\":6"),
		 -EUCLEAN},
		{TWO_OF("\"offset\":5,\"chunkSize\":6", "\"offset\":4,\"chunkOffset\":6"),
		 -EUCLEAN},
		{TWO_OF("\"offset\":5,\"chunkSize\":6", "\"offset\":9,\"chunkOffset\":5"),
		 -EUCLEAN},
		{TWO_OF("\"offset\":5,\"chunkSize\":6", "\"offset\":9,\"chunkOffset\":7"),
		 -EUCLEAN},
		{TWO_OF("\"offset\":5", "\"offset\":9,\"chunkOffset\":10"), -EUCLEAN},
		{TWO_OF("\"offset\":5,\"chunkSize\":6",
			"\"offset\":9,\"chunkOffset\":6,\"chunkSize\":9223372036854775807"),
		 -EUCLEAN},
		/* digests */
		{TABLE("{\"type\":\"reg\",\"name\":\"a\",\"size\":1,\"offset\":1,\"endOffset\":9}"),
		 -EOPNOTSUPP},
		{TABLE("{\"type\":\"reg\",\"name\":\"a\",\"size\":1,\"digest\":\"sha256:a\"}"),
		 -EUCLEAN},
		{TABLE("{\"type\":\"reg\",\"name\":\"a\",\"size\":1,\"digest\":\"md5:" A "\"}"),
		 -EUCLEAN},
	};
	struct toc *toc;
	struct diag why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = parse(cases[i].text, TOC_ZSTD_CHUNKED, &toc, &why);

		if (r != cases[i].error || !why.text[0])
			fail_msg("%s: %d, %s", cases[i].text, r, why.text);
	}
}

/* As an archive has it: the later entry is the one that counts, and both have places. */
static void a_name_may_come_twice(void **state)
{
	static const char text[] =
		TABLE("{\"type\":\"reg\",\"name\":\"a\",\"size\":10,\"digest\":\"" A
		      "\",\"offset\":5,\"endOffset\":20},"
		      "{\"type\":\"reg\",\"name\":\"./a\",\"size\":11,\"digest\":\"" B
		      "\",\"offset\":5,\"endOffset\":20}");
	struct tree *tree = tree_new();
	struct toc *toc;
	struct diag why;

	(void)state;
	assert_ok(parse(text, TOC_ZSTD_CHUNKED, &toc, &why), &why);
	assert_int_equal(2, toc->count);
	tree_free(tree);
	toc_free(toc);
}

static void a_table_of_ten_million_entries_is_too_much(void **state)
{
	static const char part[] = "{\"type\":\"dir\",\"name\":\"a\"},";
	struct buf text = {0};
	struct toc *toc;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, buf_append_string(&text, "{\"version\":1,\"entries\":["));
	for (int i = 0; i < 3000000; i++)
		assert_int_equal(0, buf_append_string(&text, part));
	assert_int_equal(0, buf_append_string(&text, "{}]}"));
	assert_int_equal(-E2BIG, toc_parse(buf_span(&text), TOC_ESTARGZ, 1000, &toc, &why));
	for (int i = 0; i < 7000000; i++)
		assert_int_equal(0, buf_append_string(&text, part));
	assert_int_equal(-E2BIG, toc_parse(buf_span(&text), TOC_ESTARGZ, 1000, &toc, &why));
	buf_release(&text);
}

static struct digest same(const struct digest *contents)
{
	return *contents;
}

static void entries_become_a_tree(void **state)
{
	static const char text[] =
		TABLE("{\"type\":\"dir\",\"name\":\"usr/\",\"mode\":493},"
		      "{\"type\":\"reg\",\"name\":\"usr/a\",\"size\":10,\"digest\":\"" A
		      "\",\"offset\":5,\"endOffset\":20},"
		      "{\"type\":\"hardlink\",\"name\":\"usr/b\",\"linkName\":\"usr/a\"}");
	struct tree *tree = tree_new();
	struct toc *toc;
	struct diag why;
	struct dentry *usr, *a, *b;

	(void)state;
	assert_ok(parse(text, TOC_ZSTD_CHUNKED, &toc, &why), &why);
	assert_ok(toc_apply(toc, same, tree, &why), &why);
	usr = tree_lookup(tree, tree->root, SPAN_LITERAL("usr"));
	assert_non_null(usr);
	a = tree_lookup(tree, usr->inode, SPAN_LITERAL("a"));
	b = tree_lookup(tree, usr->inode, SPAN_LITERAL("b"));
	assert_non_null(a);
	assert_ptr_equal(a->inode, b->inode);
	assert_int_equal(10, a->inode->size);
	assert_int_equal(0xaa, inode_digest(a->inode).bytes[0]);
	tree_free(tree);
	toc_free(toc);
}

static void a_file_can_be_added(void **state)
{
	const struct tar_entry entry = {
		.type = TAR_REGULAR, .name = SPAN_LITERAL("index"), .size = 7};
	const struct toc_chunk chunk = {.offset = 9, .end = 10, .skip = 512, .size = 7};
	struct toc *toc;
	struct diag why;

	(void)state;
	assert_ok(parse(TABLE(""), TOC_ESTARGZ, &toc, &why), &why);
	assert_int_equal(0, toc->count);
	assert_int_equal(0, toc_add_file(toc, &entry, &chunk));
	assert_int_equal(1, toc->count);
	assert_int_equal(512, toc->chunks[toc->entries[0].chunk_first].skip);
	toc_free(toc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_those_of_the_archive),
		cmocka_unit_test(parts_of_zstd_chunked_end_where_it_says),
		cmocka_unit_test(parts_of_estargz_end_where_the_next_begins),
		cmocka_unit_test(parts_without_an_end_end_where_the_next_begins),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_name_may_come_twice),
		cmocka_unit_test(a_table_of_ten_million_entries_is_too_much),
		cmocka_unit_test(entries_become_a_tree),
		cmocka_unit_test(a_file_can_be_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
