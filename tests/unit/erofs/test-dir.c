/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "images.h"

#include <errno.h>

#include "erofs/disk.h"

/* A root with no more than the stubs and these, and a small directory to be broken. */
static const char dump[] = "/ 0 40755 2 0 0 0 0.0 - - -\n"
			   "/dir 0 40755 2 0 0 0 0.0 - - -\n"
			   "/dir/aa 0 100644 1 0 0 0 0.0 - - -\n"
			   "/dir/bb 0 100644 1 0 0 0 0.0 - - -\n"
			   "/dir/cc 0 100644 1 0 0 0 0.0 - - -\n"
			   "/file 0 100644 1 0 0 0 0.0 - - -\n";

#define DIR_ENTRIES 5 /* ".", "..", "aa", "bb", "cc" */

static size_t check_listing(const struct image *image, const struct image_inode *dir)
{
	struct image_dirent entry, found;
	uint8_t previous[256];
	struct span before = {previous, 0};
	uint64_t position = 0;
	struct diag why = {0};
	size_t count = 0;
	int r;

	while ((r = image_dir_next(image, dir, position, &entry, &why)) == 1) {
		assert_true(span_compare(before, entry.name) < 0);
		assert_true(entry.next > position);
		assert_ok(image_lookup(image, dir, entry.name, &found, &why), &why);
		assert_true(found.nid == entry.nid && found.next == entry.next);
		assert_int_equal(entry.type, found.type);
		memcpy(previous, entry.name.data, entry.name.size);
		before.size = entry.name.size;
		/* A name in between is not there. */
		if (entry.name.size < 255) {
			previous[before.size] = 1;
			assert_int_equal(-ENOENT, image_lookup(image, dir,
							       span_of(previous, before.size + 1),
							       &found, &why));
		}
		position = entry.next;
		count++;
	}
	assert_ok(r, &why);
	assert_int_equal(0, image_dir_next(image, dir, position, &entry, &why));
	return count;
}

static void finds_each_name_it_lists(void **state)
{
	static const struct {
		const char *name, *path;
		size_t count;
	} cases[] = {
		{"special-v0", "", 2 + 256 + 9}, /* one block */
		{"mixed-v2", "big", 2 + 70},     /* a block and a tail */
		{"mixed-v2", "a/b", 2 + 2},      /* a tail */
		{"empty-v2", "", 2},
		{"plain", "d/e", 2 + 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes bytes = golden(cases[i].name);
		struct image image = opened(bytes);
		struct image_inode dir = inode_at(&image, cases[i].path);

		assert_int_equal(cases[i].count, check_listing(&image, &dir));
		free(bytes.data);
	}
}

static void finds_names_over_many_blocks(void **state)
{
	struct buf text = {0};
	struct bytes bytes;
	struct image image;
	struct image_inode dir;

	(void)state;
	assert_int_equal(0, buf_append_string(&text, "/ 0 40755 2 0 0 0 0.0 - - -\n"));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(
			0, buf_printf(&text, "/%0*d 0 100644 1 0 0 0 0.0 - - -\n", 3 + i % 253, i));
	bytes = image_of(buf_string(&text), 0);
	image = opened(bytes);
	dir = inode_at(&image, "");
	assert_true(dir.size > 64 * 1024);
	assert_int_equal(2 + 256 + 1000, check_listing(&image, &dir));
	buf_release(&text);
	free(bytes.data);
}

static void finds_nothing_that_cannot_be(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode dir = inode_at(&image, "dir"), file = inode_at(&image, "file");
	static const char long_name[300] = "aa";
	struct image_dirent entry;

	(void)state;
	assert_int_equal(-ENOENT, image_lookup(&image, &dir, SPAN_EMPTY, &entry, NULL));
	assert_int_equal(-ENOENT, image_lookup(&image, &dir, SPAN_LITERAL("a"), &entry, NULL));
	assert_int_equal(-ENOENT, image_lookup(&image, &dir, SPAN_LITERAL("\xff"), &entry, NULL));
	assert_int_equal(-ENOENT, image_lookup(&image, &dir, span_of(long_name, sizeof(long_name)),
					       &entry, NULL));
	assert_int_equal(-ENOTDIR, image_lookup(&image, &file, SPAN_LITERAL("aa"), &entry, NULL));
	assert_int_equal(-ENOTDIR, image_dir_next(&image, &file, 0, &entry, NULL));
	free(bytes.data);
}

static void refuses_positions_that_no_entry_has(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode dir = inode_at(&image, "dir");
	struct image_dirent entry;

	(void)state;
	for (uint64_t position = 0; position < dir.size; position++) {
		bool is_entry = position % 12 == 0 && position / 12 < DIR_ENTRIES;

		assert_int_equal(is_entry ? 1 : -EINVAL,
				 image_dir_next(&image, &dir, position, &entry, NULL));
	}
	assert_int_equal(0, image_dir_next(&image, &dir, dir.size, &entry, NULL));
	assert_int_equal(0, image_dir_next(&image, &dir, 4096, &entry, NULL));
	assert_int_equal(0, image_dir_next(&image, &dir, UINT64_MAX, &entry, NULL));
	free(bytes.data);
}

/* How many entries of the broken directory can be listed, and that the next one is refused. */
static void assert_lists_until_broken(struct bytes bytes, size_t count)
{
	struct image image = opened(bytes);
	struct image_inode dir = inode_at(&image, "dir");
	struct image_dirent entry;
	uint64_t position = 0;
	struct diag why = {0};

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(1, image_dir_next(&image, &dir, position, &entry, &why));
		position = entry.next;
	}
	assert_int_equal(-EUCLEAN, image_dir_next(&image, &dir, position, &entry, &why));
	assert_non_null(strstr(why.text, "directory"));
	free(bytes.data);
}

static void refuses_malformed_blocks(void **state)
{
	/* Of the tail: name_offset of entry i is at 12 * i + 8, names begin at 60. */
	static const struct {
		size_t offset;
		uint16_t value;
		size_t count;
	} cases[] = {
		{8, 0, 0},       /* no entry */
		{8, 11, 0},      /* less than one */
		{8, 61, 0},      /* not a whole number of them */
		{8, 0xfffc, 0},  /* beyond the block */
		{8, 72, 0},      /* the names beyond the directory */
		{12 + 8, 59, 0}, /* a name ends before it begins */
		{24 + 8, 61, 1}, /* empty */
		{36 + 8, 0xffff, 2},
		{48 + 8, 0xffff, 3},
		{60, '/' << 8 | '.', 1},
		{63, '/' << 8 | 'a', 2},
		{63, 'a' << 8, 2}, /* a NUL within */
		{67, 0, 4},        /* the last name is empty */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes bytes = image_of(dump, 0);
		struct image image = opened(bytes);
		struct image_inode dir = inode_at(&image, "dir");

		assert_int_equal(60 + 3 + 6, dir.size);
		put16(bytes, behind_xattrs(&dir) + cases[i].offset, cases[i].value);
		assert_lists_until_broken(bytes, cases[i].count);
	}
}

static void a_nul_ends_only_the_last_name(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode dir = inode_at(&image, "dir");
	struct image_dirent entry;

	(void)state;
	bytes.data[behind_xattrs(&dir) + 68] = 0;
	assert_int_equal(1, image_dir_next(&image, &dir, 48, &entry, NULL));
	assert_span_equal(SPAN_LITERAL("c"), entry.name);
	free(bytes.data);
}

static void disorder_costs_a_name_at_most(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode dir = inode_at(&image, "dir");
	struct image_dirent entry;

	(void)state;
	put16(bytes, behind_xattrs(&dir) + 63, 'z' << 8 | 'z'); /* zz, bb, cc */
	(void)image_lookup(&image, &dir, SPAN_LITERAL("zz"), &entry, NULL);
	(void)image_lookup(&image, &dir, SPAN_LITERAL("bb"), &entry, NULL);
	assert_int_equal(-ENOENT, image_lookup(&image, &dir, SPAN_LITERAL("aa"), &entry, NULL));
	free(bytes.data);
}

static void refuses_holes_in_directories(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode dir = inode_at(&image, "");
	struct image_dirent entry;

	(void)state;
	put32(bytes, dir.offset + offsetof(struct inode_compact_disk, u), UINT32_MAX);
	dir = inode_at(&image, "");
	assert_int_equal(-EUCLEAN, image_dir_next(&image, &dir, 0, &entry, NULL));
	assert_int_equal(-EUCLEAN, image_lookup(&image, &dir, SPAN_LITERAL("a"), &entry, NULL));
	free(bytes.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_each_name_it_lists),
		cmocka_unit_test(finds_names_over_many_blocks),
		cmocka_unit_test(finds_nothing_that_cannot_be),
		cmocka_unit_test(refuses_positions_that_no_entry_has),
		cmocka_unit_test(refuses_malformed_blocks),
		cmocka_unit_test(a_nul_ends_only_the_last_name),
		cmocka_unit_test(disorder_costs_a_name_at_most),
		cmocka_unit_test(refuses_holes_in_directories),
	};

	return cmocka_run_group_tests_name("erofs/dir", tests, NULL, NULL);
}
