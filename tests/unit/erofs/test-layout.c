/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "erofs/writer_private.h"
#include "tree/dump_read.h"

/* A writer that has come as far as the layout. */
struct laid_out {
	struct tree *tree;
	struct writer writer;
	struct diag why;
};

static void laid_out_release(struct laid_out *laid_out)
{
	pairs_release(&laid_out->writer.pairs);
	free(laid_out->writer.nodes);
	free(laid_out->writer.attrs);
	tree_free(laid_out->tree);
}

static void lay_out_as(struct laid_out *ret, uint32_t version, struct span text)
{
	*ret = (struct laid_out){0};
	assert_ok(dump_read_span(text, NULL, &ret->tree, &ret->why), &ret->why);
	ret->writer.tree = ret->tree;
	ret->writer.why = &ret->why;
	ret->writer.format = format_of(version);
	ret->writer.version = version;
	assert_ok(writer_order(&ret->writer), &ret->why);
	assert_ok(writer_rewrite(&ret->writer), &ret->why);
	assert_ok(writer_layout(&ret->writer), &ret->why);
}

static void lay_out(struct laid_out *ret, struct span text)
{
	lay_out_as(ret, 0, text);
}

static const struct node *node_at(const struct laid_out *laid_out, const char *name)
{
	struct dentry *dentry =
		tree_lookup(laid_out->tree, laid_out->tree->root, span_of_string(name));

	assert_non_null(dentry);
	return &laid_out->writer.nodes[dentry->inode->index];
}

static void one_chunk_covers_a_file_up_to_8_tib(void **state)
{
	static const struct {
		uint64_t size;
		unsigned int bits;
		uint32_t count;
	} cases[] = {
		{1, 12, 1},
		{2, 12, 1},
		{4096, 12, 1},
		{4097, 13, 1},
		{8192, 13, 1},
		{8193, 14, 1},
		{1ULL << 43, 43, 1},
		{(1ULL << 43) + 1, 43, 2},
		{(1ULL << 53) - 1, 43, 1024},
		{1ULL << 53, 43, 1024},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(cases[i].bits, chunk_bits(format_of(0), cases[i].size));
		assert_int_equal(cases[i].count, chunk_count(format_of(0), cases[i].size));
	}
}

/* Symlinks of every length, and directories and inline files whose tails have every length. */
static void no_tail_crosses_a_block_edge(void **state)
{
	CLEAN(laid_out_release) struct laid_out laid_out = {0};
	CLEAN(buf_release) struct buf text = {0};

	(void)state;
	assert_int_equal(0, buf_append_string(&text, "/ 0 40755 2 0 0 0 0.0 - - -\n"));
	for (int size = 1; size <= SYMLINK_SIZE_MAX; size += 7)
		assert_int_equal(0, buf_printf(&text, "/l%d 0 120777 1 0 0 0 0.0 %0*d - -\n", size,
					       size, 0));
	for (int size = 1; size <= INLINE_SIZE_MAX; size += 13)
		assert_int_equal(0, buf_printf(&text, "/f%d %d 100644 1 0 0 0 0.%d - %0*d -\n",
					       size, size, size % 3, size, 0));
	lay_out(&laid_out, buf_span(&text));
	for (size_t i = 0; i < laid_out.writer.node_count; i++) {
		const struct node *node = &laid_out.writer.nodes[i];
		uint64_t tail = node->nid * SLOT_BYTES + node_head_size(node) + node->xattr_size;

		if (node->tail_size)
			assert_int_equal(tail / BLOCK_BYTES,
					 (tail + node->tail_size - 1) / BLOCK_BYTES);
	}
}

static void compact_is_for_build_time_and_small_numbers(void **state)
{
	static const struct {
		const char *line;
		bool is_compact;
	} cases[] = {
		{"/a 0 100644 65535 65535 65535 0 7.5 - - -", true},
		{"/a 0 100644 65536 0 0 0 7.5 - - -", false},
		{"/a 0 100644 1 65536 0 0 7.5 - - -", false},
		{"/a 0 100644 1 0 65536 0 7.5 - - -", false},
		{"/a 0 100644 1 0 0 0 7.6 - - -", false},
		{"/a 0 100644 1 0 0 0 8.5 - - -", false},
		{"/a 4294967295 100644 1 0 0 0 7.5 - - -", true},
		{"/a 4294967296 100644 1 0 0 0 7.5 - - -", false},
		{"/a 4294967296 40755 1 0 0 0 7.5 - - -", true},
		{"/a 4294967296 120777 1 0 0 0 7.5 b - -", true},
		/* Not stored, and it counts all the same; but that of a whiteout becomes 0. */
		{"/a 4294967296 10644 1 0 0 0 7.5 - - -", false},
		{"/a 4294967296 20644 1 0 0 5 7.5 - - -", false},
		{"/a 4294967296 20644 1 0 0 0 7.5 - - -", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEAN(laid_out_release) struct laid_out laid_out = {0};
		char text[256];

		(void)snprintf(text, sizeof(text), "/ 0 40755 2 0 0 0 7.5 - - -\n%s\n",
			       cases[i].line);
		lay_out(&laid_out, span_of_string(text));
		assert_int_equal(cases[i].is_compact, node_at(&laid_out, "a")->is_compact);
		assert_int_equal(7, laid_out.writer.build_time_sec);
		assert_int_equal(5, laid_out.writer.build_time_nsec);
	}
}

static void directory_links_are_counted_from_its_directories(void **state)
{
	CLEAN(laid_out_release) struct laid_out laid_out = {0};

	(void)state;
	lay_out(&laid_out, SPAN_LITERAL("/ 0 40755 70000 0 0 0 0.0 - - -\n"
					"/a 0 40755 9 0 0 0 0.0 - - -\n"
					"/a/b 0 40755 9 0 0 0 0.0 - - -\n"
					"/a/c 0 100644 9 0 0 0 0.0 - - -\n"
					"/d 0 40755 0 0 0 0 0.0 - - -\n"
					"/e 0 @100644 0 0 0 0 0.0 /a/c - -\n"));
	assert_int_equal(4, laid_out.writer.nodes[0].nlink);
	assert_int_equal(3, node_at(&laid_out, "a")->nlink);
	assert_int_equal(2, node_at(&laid_out, "d")->nlink);
	assert_int_equal(9, node_at(&laid_out, "e")->nlink);
}

/* A child with the name of a stub stands in for it, whatever it is. */
static void inodes_are_numbered_breadth_first_with_the_stubs(void **state)
{
	CLEAN(laid_out_release) struct laid_out laid_out = {0};

	(void)state;
	lay_out(&laid_out, SPAN_LITERAL("/ 0 40755 2 0 0 0 0.0 - - -\n"
					"/- 0 40755 2 0 0 0 0.0 - - -\n"
					"/-/x 0 100644 1 0 0 0 0.0 - - -\n"
					"/00 0 40755 2 0 0 0 0.0 - - -\n"
					"/02 0 @100644 2 0 0 0 0.0 /z - -\n"
					"/z 0 100644 1 0 0 0 0.0 - - -\n"));
	assert_int_equal(1 + 4 + 254, laid_out.writer.node_count);
	assert_int_equal(1, node_at(&laid_out, "-")->inode->index);
	assert_int_equal(2, node_at(&laid_out, "00")->inode->index);
	assert_int_equal(0, laid_out.writer.stub_nodes[0]);
	assert_int_equal(3, laid_out.writer.stub_nodes[1]);
	assert_int_equal(0, laid_out.writer.stub_nodes[2]);
	assert_int_equal(4, laid_out.writer.stub_nodes[3]);
	assert_int_equal(256, laid_out.writer.stub_nodes[255]);
	assert_int_equal(257, node_at(&laid_out, "z")->inode->index);
	assert_int_equal(257, node_at(&laid_out, "02")->inode->index);
	assert_string_equal("x", laid_out.writer.nodes[258].inode->primary->name);
}

/* Whatever line of the dump has the metadata, and whatever it says of link counts. */
static void version_2_numbers_inodes_depth_first_by_place(void **state)
{
	CLEAN(laid_out_release) struct laid_out laid_out = {0};
	const struct node *nodes;

	(void)state;
	lay_out_as(&laid_out, 2,
		   SPAN_LITERAL("/ 0 40755 9 0 0 0 7.5 - - -\n"
				"/a 0 40755 9 0 0 0 7.5 - - -\n"
				"/a/b 0 40755 9 0 0 0 7.5 - - -\n"
				"/a/b/x 0 @100644 0 0 0 0 0.0 /z - -\n"
				"/a/c 0 100644 9 0 0 0 8.5 - - -\n"
				"/a/w 0 20644 9 0 0 0 8.5 - - -\n"
				"/z 0 100644 9 0 0 0 7.5 - - -\n"));
	nodes = laid_out.writer.nodes;
	assert_int_equal(6, laid_out.writer.node_count);
	assert_ptr_equal(&nodes[0], &nodes[laid_out.tree->root->index]);
	assert_ptr_equal(&nodes[1], node_at(&laid_out, "a"));
	assert_ptr_equal(&nodes[3], node_at(&laid_out, "z")); /* 2 is /a/b */
	assert_int_equal(2, nodes[3].nlink);
	assert_int_equal(1, nodes[4].nlink);
	assert_false(nodes[5].is_converted || nodes[1].has_whiteouts);
	assert_int_equal(3, nodes[0].nlink);
	assert_int_equal(3, nodes[1].nlink);
	for (size_t i = 0; i < 6; i++)
		assert_false(nodes[i].is_compact);
	assert_int_equal(0, laid_out.writer.build_time_sec);
}

static void version_2_keeps_the_last_byte_of_a_block_free(void **state)
{
	static const struct {
		uint64_t at;
		uint32_t xattr_size;
		uint32_t mode;
		uint16_t tail_size;
		uint64_t expected;
	} cases[] = {
		{1152, 0, S_IFDIR, 26, 1152},
		{4096 - 128, 0, S_IFDIR, 63, 4096 - 128},
		{4096 - 128, 0, S_IFDIR, 64, 4096 - 32}, /* would end on the edge */
		{4096 - 128, 0, S_IFLNK, 65, 4096 - 32},
		{4096 - 64, 0, S_IFREG, 1, 4096 - 32}, /* would begin there */
		{4096 - 64, 0, S_IFREG, 0, 4096 - 64},
		{4096 - 128, 36, S_IFREG, 28, 4096 - 96},
		{4096 - 128, 36, S_IFREG, 27, 4096 - 128},
		{4096 - 32, 0, S_IFREG, 512, 4096 - 32},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct inode inode = {.mode = cases[i].mode, .is_inline = true};
		struct node node = {
			.inode = &inode,
			.xattr_size = cases[i].xattr_size,
			.tail_size = cases[i].tail_size,
		};

		assert_int_equal(cases[i].expected, place_tail_inside(&node, cases[i].at));
	}
}

static void version_2_has_one_chunk_of_any_file_where_it_comes(void **state)
{
	struct inode inode = {.mode = S_IFREG, .size = 1};
	struct node node = {.inode = &inode, .tail_size = 4};

	(void)state;
	assert_int_equal(43, chunk_bits(format_of(2), 1));
	assert_int_equal(1, chunk_count(format_of(2), 1));
	assert_int_equal(1, chunk_count(format_of(2), V2_EXTERNAL_SIZE_MAX));
	assert_int_equal(4096 - 64, place_tail_inside(&node, 4096 - 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_chunk_covers_a_file_up_to_8_tib),
		cmocka_unit_test(no_tail_crosses_a_block_edge),
		cmocka_unit_test(compact_is_for_build_time_and_small_numbers),
		cmocka_unit_test(directory_links_are_counted_from_its_directories),
		cmocka_unit_test(inodes_are_numbered_breadth_first_with_the_stubs),
		cmocka_unit_test(version_2_numbers_inodes_depth_first_by_place),
		cmocka_unit_test(version_2_keeps_the_last_byte_of_a_block_free),
		cmocka_unit_test(version_2_has_one_chunk_of_any_file_where_it_comes),
	};

	return cmocka_run_group_tests_name("erofs/layout", tests, NULL, NULL);
}
