/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "images.h"

#include <errno.h>

/* fuzz/erofs-walk.c: asks everything, frees everything, aborts on an answer that cannot be. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void opens_every_kind(void **state)
{
	static const struct {
		const char *name;
		bool is_composefs, has_acl, has_filter;
		uint32_t version;
		uint64_t inode_count;
	} cases[] = {
		{"special-v0", true, false, true, 0, 266},
		{"special-v1", true, false, true, 1, 266},
		{"empty-v2", true, true, true, 2, 1},
		{"simple-v2", true, true, true, 2, 8},
		{"plain", false, true, false, 0, 11},
		{"plain-indexes", false, true, false, 0, 11},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes bytes = golden(cases[i].name);
		struct image image = opened(bytes);

		assert_int_equal(cases[i].is_composefs, image.is_composefs);
		assert_int_equal(cases[i].version, image.composefs_version);
		assert_int_equal(cases[i].has_acl, image.has_acl);
		assert_int_equal(cases[i].has_filter, image.has_xattr_filter);
		assert_int_equal(cases[i].inode_count, image.inode_count);
		assert_int_equal(12, image.block_bits);
		assert_int_equal(bytes.size, image.bytes.size);
		free(bytes.data);
	}
}

struct refusal {
	uint64_t offset;
	uint8_t value;
	int error;
	const char *reason;
};

static void assert_refused(const char *name, const struct refusal *refusal)
{
	struct bytes bytes = golden(name);
	struct image image;
	struct diag why = {0};
	int r;

	bytes.data[refusal->offset] = refusal->value;
	r = image_open(bytes_span(bytes), &image, &why);
	if (r != refusal->error || !strstr(why.text, refusal->reason))
		fail_msg("expected %d and '%s', got %d and '%s'", refusal->error, refusal->reason,
			 r, why.text);
	free(bytes.data);
}

static void refuses_by_name(void **state)
{
	static const struct refusal cases[] = {
		{0x04, 2, -EOPNOTSUPP, "composefs header version 2"},
		{0x0c, 3, -EOPNOTSUPP, "composefs version 3"},
		{0x400, 0, -EUCLEAN, "superblock magic"},
		{0x40c, 8, -EUCLEAN, "blocks of 2^8 bytes"},
		{0x40c, 17, -EUCLEAN, "blocks of 2^17 bytes"},
		{0x40e, 0, -EOPNOTSUPP, "root directory: inode 0 has unknown format"},
		{0x40f, 0xff, -EUCLEAN, "root directory: inode 65316 is beyond the image"},
		{0x424, 255, -EUCLEAN, "its superblock counts"},
		{0x450, 0x02, -EOPNOTSUPP, "compressed files"},
		{0x450, 0x08, -EOPNOTSUPP, "a device table"},
		{0x450, 0x10, -EOPNOTSUPP, "compressed tails"},
		{0x450, 0x20, -EOPNOTSUPP, "fragments"},
		{0x450, 0x40, -EOPNOTSUPP, "long xattr prefixes"},
		{0x450, 0x80, -EOPNOTSUPP, "48-bit addresses"},
		{0x451, 0x01, -EOPNOTSUPP, "a metabox"},
		{0x453, 0x80, -EOPNOTSUPP, "unknown features 0x80000000"},
		{0x456, 1, -EOPNOTSUPP, "2 devices"},
		{0x45a, 1, -EOPNOTSUPP, "directory blocks"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused("special-v1", &cases[i]);
}

static void checks_the_checksum_where_there_is_one(void **state)
{
	/* Anywhere behind the magic in its block. */
	static const struct refusal cases[] = {
		{0x404, 0, -EUCLEAN, "superblock checksum is"},
		{0x430, 0xff, -EUCLEAN, "superblock checksum is"},
		{0xfff, 0xff, -EUCLEAN, "superblock checksum is"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused("plain", &cases[i]);
}

static void a_file_may_be_longer_but_not_shorter(void **state)
{
	struct bytes bytes = golden("special-v1");
	struct bytes longer = {calloc(1, bytes.size + 100), bytes.size + 100};
	struct image image;
	struct diag why = {0};

	(void)state;
	assert_non_null(longer.data);
	memcpy(longer.data, bytes.data, bytes.size);
	assert_ok(image_open(bytes_span(longer), &image, &why), &why);
	assert_int_equal(bytes.size, image.bytes.size);
	for (size_t size = 0; size < bytes.size; size += 97)
		assert_int_equal(-EUCLEAN, image_open(span_of(bytes.data, size), &image, &why));
	free(longer.data);
	free(bytes.data);
}

static void refuses_a_root_that_is_no_directory(void **state)
{
	struct bytes bytes = golden("special-v1");
	struct image image = opened(bytes);
	struct diag why = {0};

	(void)state;
	put16(bytes, SUPER_OFFSET + offsetof(struct super_disk, root_nid),
	      (uint16_t)inode_at(&image, "inline").nid);
	assert_int_equal(-EUCLEAN, image_open(bytes_span(bytes), &image, &why));
	assert_non_null(strstr(why.text, "root is not a directory"));
	free(bytes.data);
}

static void no_changed_byte_does_harm(void **state)
{
	static const char *const names[] = {"simple-v2", "plain-indexes"};
	static const uint8_t masks[] = {0x01, 0x80, 0xff};

	(void)state;
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		struct bytes bytes = golden(names[n]);

		/* The checksum would keep most changes from being looked at. */
		bytes.data[SUPER_OFFSET + offsetof(struct super_disk, feature_compat)] &= 0xfe;
		for (size_t i = 0; i < bytes.size; i++) {
			if (bytes.data[i] == 0 && bytes.data[i ? i - 1 : 0] == 0)
				continue;
			for (size_t m = 0; m < sizeof(masks); m++) {
				bytes.data[i] ^= masks[m];
				(void)LLVMFuzzerTestOneInput(bytes.data, bytes.size);
				bytes.data[i] ^= masks[m];
			}
		}
		free(bytes.data);
	}
}

static void no_cut_does_harm(void **state)
{
	struct bytes bytes = golden("special-v1");

	(void)state;
	/* Let the superblock agree with each length, so that the rest is looked at. */
	for (size_t blocks = 1; blocks * 4096 < bytes.size; blocks++) {
		struct bytes cut = bytes_copy(span_of(bytes.data, blocks * 4096));

		put32(cut, SUPER_OFFSET + offsetof(struct super_disk, block_count),
		      (uint32_t)blocks);
		(void)LLVMFuzzerTestOneInput(cut.data, cut.size);
		free(cut.data);
	}
	for (size_t size = 0; size < 2048; size++) {
		struct bytes cut = {malloc(size + 1), size};

		assert_non_null(cut.data);
		memcpy(cut.data + 1, bytes.data, size);
		(void)LLVMFuzzerTestOneInput(cut.data + 1, size);
		free(cut.data);
	}
	free(bytes.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_every_kind),
		cmocka_unit_test(refuses_by_name),
		cmocka_unit_test(checks_the_checksum_where_there_is_one),
		cmocka_unit_test(a_file_may_be_longer_but_not_shorter),
		cmocka_unit_test(refuses_a_root_that_is_no_directory),
		cmocka_unit_test(no_changed_byte_does_harm),
		cmocka_unit_test(no_cut_does_harm),
	};

	return cmocka_run_group_tests_name("erofs/image", tests, NULL, NULL);
}
