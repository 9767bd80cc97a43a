/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "images.h"

#include <errno.h>

#include "base/limits.h"

#define PLAIN_F_SIZE 5000 /* /f of the plain images, all 'x' */

/* Append all extents; holes become '0'. Returns how many there were. */
static size_t read_all(const struct image *image, const struct image_inode *inode, struct buf *ret)
{
	struct image_extent extent;
	struct diag why = {0};
	size_t count = 0;
	int r;

	while ((r = image_extent(image, inode, ret->size, &extent, &why)) == 1) {
		assert_true(extent.size > 0);
		if (!extent.is_hole)
			assert_int_equal(extent.size, extent.bytes.size);
		for (uint64_t i = 0; i < extent.size; i++)
			assert_int_equal(
				0,
				buf_append_byte(ret, extent.is_hole ? '0' : extent.bytes.data[i]));
		count++;
	}
	assert_ok(r, &why);
	return count;
}

static void assert_content(const struct image *image, const char *path, uint8_t byte, size_t size)
{
	struct image_inode inode = inode_at(image, path);
	struct buf content = {0};

	(void)read_all(image, &inode, &content);
	assert_int_equal(size, content.size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(byte, content.data[i]);
	buf_release(&content);
}

static void reads_blocks_tails_and_chunks(void **state)
{
	static const char *const names[] = {"plain", "plain-indexes"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct bytes bytes = golden(names[i]);
		struct image image = opened(bytes);
		struct image_inode inode = inode_at(&image, "f");

		assert_int_equal(i == 0 ? LAYOUT_FLAT_INLINE : LAYOUT_CHUNK_BASED, inode.layout);
		assert_content(&image, "f", 'x', PLAIN_F_SIZE);
		assert_content(&image, "d/e/1", 0, 0);
		inode = inode_at(&image, "sparse");
		assert_false(image_inode_is_external(&image, &inode));
		free(bytes.data);
	}
}

static void reads_holes(void **state)
{
	struct bytes bytes = golden("plain-indexes");
	struct image image = opened(bytes);
	struct image_inode inode = inode_at(&image, "f");
	uint64_t map = (behind_xattrs(&inode) + 7) & ~7ull;
	struct image_extent extent;

	(void)state;
	put32(bytes, map + offsetof(struct chunk_index_disk, start), CHUNK_HOLE);
	assert_int_equal(1, image_extent(&image, &inode, 96, &extent, NULL));
	assert_true(extent.is_hole && extent.size == 4000);
	assert_int_equal(1, image_extent(&image, &inode, 4096, &extent, NULL));
	assert_false(extent.is_hole);
	assert_int_equal('x', extent.bytes.data[0]);
	free(bytes.data);
}

static void reads_from_any_offset_on(void **state)
{
	static const uint64_t offsets[] = {0, 1, 4095, 4096, 4097, PLAIN_F_SIZE - 1};
	static const char *const names[] = {"plain", "plain-indexes"};

	(void)state;
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		struct bytes bytes = golden(names[n]);
		struct image image = opened(bytes);
		struct image_inode inode = inode_at(&image, "f");
		struct image_extent extent;

		for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
			uint64_t end = offsets[i] < 4096 ? 4096 : PLAIN_F_SIZE;

			assert_int_equal(1,
					 image_extent(&image, &inode, offsets[i], &extent, NULL));
			assert_int_equal(end - offsets[i], extent.size);
			assert_int_equal('x', extent.bytes.data[extent.size - 1]);
		}
		assert_int_equal(0, image_extent(&image, &inode, PLAIN_F_SIZE, &extent, NULL));
		assert_int_equal(0, image_extent(&image, &inode, UINT64_MAX, &extent, NULL));
		free(bytes.data);
	}
}

static void an_external_file_is_one_hole(void **state)
{
	static const char dump[] = "/ 0 40755 2 0 0 0 0.0 - - -\n"
				   "/one 1 100644 1 0 0 0 0.0 - - -\n"
				   "/big 9007199254740992 100644 1 0 0 0 0.0 a/b - -\n";
	struct bytes bytes = image_of(dump, 0), v2 = golden("simple-v2");
	struct image image = opened(bytes);
	struct image_inode inode = inode_at(&image, "big");
	struct image_extent extent;

	(void)state;
	assert_true(image_inode_is_external(&image, &inode));
	assert_int_equal(1, image_extent(&image, &inode, 5, &extent, NULL));
	assert_true(extent.is_hole && extent.size == (1ull << 53) - 5);
	inode = inode_at(&image, "one");
	assert_true(image_inode_is_external(&image, &inode));
	image = opened(v2);
	inode = inode_at(&image, "regular-external");
	/* One map entry of 2^43 bytes, whatever the size: here as if it were for more. */
	inode.size = 1ull << 50;
	assert_true(image_inode_is_external(&image, &inode));
	assert_int_equal(1, image_extent(&image, &inode, 0, &extent, NULL));
	assert_true(extent.is_hole && extent.size == 1ull << 50);
	inode = inode_at(&image, "regular-inline");
	assert_false(image_inode_is_external(&image, &inode));
	free(bytes.data);
	free(v2.data);
}

static void what_is_no_file_has_no_content(void **state)
{
	struct bytes bytes = golden("special-v1");
	struct image image = opened(bytes);
	struct image_inode inode = inode_at(&image, "chardev");
	struct image_extent extent;

	(void)state;
	inode.size = 100; /* mkfs.erofs and the dump format let devices have one */
	assert_int_equal(0, image_extent(&image, &inode, 0, &extent, NULL));
	free(bytes.data);
}

static int extent_error(const struct image *image, const char *path, uint64_t offset)
{
	struct image_inode inode = inode_at(image, path);
	struct image_extent extent;

	return image_extent(image, &inode, offset, &extent, NULL);
}

static void refuses_data_beyond_the_image(void **state)
{
	struct bytes bytes = golden("plain");
	struct image image = opened(bytes);
	struct image_inode inode = inode_at(&image, "f");
	size_t u = inode.head_size == 32 ? offsetof(struct inode_compact_disk, u)
					 : offsetof(struct inode_extended_disk, u);

	(void)state;
	put32(bytes, inode.offset + u, (uint32_t)(bytes.size >> 12));
	assert_int_equal(-EUCLEAN, extent_error(&image, "f", 0));
	assert_int_equal(1, extent_error(&image, "f", 4096)); /* the tail is not there */
	put32(bytes, inode.offset + u, UINT32_MAX - 1);
	assert_int_equal(-EUCLEAN, extent_error(&image, "f", 0));
	put32(bytes, inode.offset + u, UINT32_MAX); /* no blocks: a hole, as in the kernel */
	assert_int_equal(1, extent_error(&image, "f", 0));
	free(bytes.data);
}

static void refuses_tails_across_a_block_edge(void **state)
{
	struct bytes bytes = golden("plain");
	struct image image = opened(bytes);
	struct image_inode inode = inode_at(&image, "g");
	struct image_extent extent;

	(void)state;
	assert_int_equal(LAYOUT_FLAT_INLINE, inode.layout);
	inode.size = 4096 - (behind_xattrs(&inode) & 4095);
	assert_int_equal(1, image_extent(&image, &inode, 0, &extent, NULL));
	inode.size++;
	assert_int_equal(-EUCLEAN, image_extent(&image, &inode, 0, &extent, NULL));
	free(bytes.data);
}

static void refuses_chunks_elsewhere(void **state)
{
	struct bytes bytes = golden("plain-indexes");
	struct image image = opened(bytes);
	struct image_inode inode = inode_at(&image, "f");
	uint64_t map = (behind_xattrs(&inode) + 7) & ~7ull;
	struct image_extent extent;

	(void)state;
	assert_int_equal(1, extent_error(&image, "f", 0));
	put16(bytes, map + offsetof(struct chunk_index_disk, device_id), 1);
	assert_int_equal(-EOPNOTSUPP, extent_error(&image, "f", 0));
	put16(bytes, map + offsetof(struct chunk_index_disk, device_id), 0);
	put32(bytes, map + offsetof(struct chunk_index_disk, start), UINT32_MAX - 1);
	assert_int_equal(-EUCLEAN, extent_error(&image, "f", 0));
	inode.size = INT64_MAX; /* more chunks than the image has bytes */
	assert_int_equal(-EUCLEAN, image_extent(&image, &inode, INT64_MAX - 1, &extent, NULL));
	free(bytes.data);
}

static void reads_targets_of_any_length(void **state)
{
	static char text[16384], target[SYMLINK_SIZE_MAX + 1];
	static const size_t sizes[] = {1, 7, 4030, 4063, 4064, SYMLINK_SIZE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bytes bytes;
		struct image image;
		struct image_inode inode;
		struct span read;

		memset(target, 't', sizes[i]);
		target[sizes[i]] = '\0';
		(void)snprintf(text, sizeof(text),
			       "/ 0 40755 2 0 0 0 0.0 - - -\n/l 0 120777 1 0 0 0 0.0 %s - -\n",
			       target);
		bytes = image_of(text, 0);
		image = opened(bytes);
		inode = inode_at(&image, "l");
		assert_int_equal(0, image_readlink(&image, &inode, &read, NULL));
		assert_span_equal(span_of_string(target), read);
		inode = inode_at(&image, "");
		assert_int_equal(-EINVAL, image_readlink(&image, &inode, &read, NULL));
		free(bytes.data);
	}
}

static void refuses_targets_that_cannot_be(void **state)
{
	struct bytes bytes = golden("simple-v2");
	struct image image = opened(bytes);
	struct image_inode inode = inode_at(&image, "symlink");
	struct span target;

	(void)state;
	inode.size = 0;
	assert_int_equal(-EUCLEAN, image_readlink(&image, &inode, &target, NULL));
	inode.size = 8; /* a NUL follows */
	assert_int_equal(-EUCLEAN, image_readlink(&image, &inode, &target, NULL));
	inode.size = SYMLINK_SIZE_MAX + 1;
	assert_int_equal(-EUCLEAN, image_readlink(&image, &inode, &target, NULL));
	free(bytes.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_blocks_tails_and_chunks),
		cmocka_unit_test(reads_holes),
		cmocka_unit_test(reads_from_any_offset_on),
		cmocka_unit_test(an_external_file_is_one_hole),
		cmocka_unit_test(what_is_no_file_has_no_content),
		cmocka_unit_test(refuses_data_beyond_the_image),
		cmocka_unit_test(refuses_tails_across_a_block_edge),
		cmocka_unit_test(refuses_chunks_elsewhere),
		cmocka_unit_test(reads_targets_of_any_length),
		cmocka_unit_test(refuses_targets_that_cannot_be),
	};

	return cmocka_run_group_tests_name("erofs/data", tests, NULL, NULL);
}
