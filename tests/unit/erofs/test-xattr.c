/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "images.h"

#include <errno.h>

#include "erofs/xxh32.h"

/* user.shared is shared by two; everything else of /one is inline. */
static const char dump[] = "/ 0 40755 2 0 0 0 0.0 - - -\n"
			   "/none 0 100644 1 0 0 0 0.0 - - -\n"
			   "/one 0 100644 1 0 0 0 0.0 - - - lustre.lov=l security.s=1 "
			   "user.a=\\x00b\\x00 user.shared=s "
			   "weird=w\n"
			   "/two 0 100644 1 0 0 0 0.0 - - - user.shared=s\n";

static void assert_value(const struct image *image, const char *path, const char *key,
			 const char *expected)
{
	struct image_inode inode = inode_at(image, path);
	struct diag why = {0};
	struct span value;

	assert_ok(image_xattr_get(image, &inode, span_of_string(key), &value, &why), &why);
	assert_span_equal(span_of_string(expected), value);
}

static void assert_no_value(const struct image *image, const char *path, const char *key)
{
	struct image_inode inode = inode_at(image, path);
	struct span value;

	assert_int_equal(-ENODATA,
			 image_xattr_get(image, &inode, span_of_string(key), &value, NULL));
}

static void gets_inline_and_shared_values(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode one = inode_at(&image, "one");
	struct span value;

	(void)state;
	assert_value(&image, "one", "security.s", "1");
	assert_value(&image, "one", "user.shared", "s");
	assert_value(&image, "two", "user.shared", "s");
	assert_value(&image, "one", "weird", "w");
	assert_value(&image, "", "trusted.overlay.opaque", "y");
	assert_int_equal(0, image_xattr_get(&image, &one, SPAN_LITERAL("user.a"), &value, NULL));
	assert_span_equal(SPAN_LITERAL("\0b\0"), value);
	free(bytes.data);
}

static void has_no_data_for_other_keys(void **state)
{
	static const char *const keys[] = {"user.",
					   "user.b",
					   "user.shared2",
					   "trusted.s",
					   "weir",
					   "shared",
					   "system.posix_acl_access",
					   "",
					   "user.a\n"};
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);

	(void)state;
	for (int with_filter = 0; with_filter < 2; with_filter++) {
		image.has_xattr_filter = with_filter;
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			assert_no_value(&image, "one", keys[i]);
			assert_no_value(&image, "none", keys[i]);
		}
	}
	free(bytes.data);
}

static void finds_lustre_keys_in_both_spellings(void **state)
{
	struct bytes spelled_out = image_of(dump, 0), prefixed = golden("mixed-v2");
	struct image image = opened(spelled_out);

	(void)state;
	assert_value(&image, "one", "lustre.lov", "l");
	assert_no_value(&image, "one", "lustre.lo");
	image = opened(prefixed);
	assert_value(&image, "a/b", "lustre.lov", "x");
	assert_no_value(&image, "a/b", "lustre.x");
	free(spelled_out.data);
	free(prefixed.data);
}

static void lists_each_once_inline_first(void **state)
{
	static const char *const expected[] = {"lustre.lov", "security.s", "user.a", "weird",
					       "user.shared"};
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode one = inode_at(&image, "one"), none = inode_at(&image, "none");
	struct image_xattr xattr;
	uint64_t position = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		size_t prefix;

		assert_int_equal(1, image_xattr_next(&image, &one, position, &xattr, NULL));
		prefix = xattr.prefix.size;
		assert_int_equal(strlen(expected[i]), prefix + xattr.suffix.size);
		assert_memory_equal(expected[i], xattr.prefix.data, prefix);
		assert_memory_equal(expected[i] + prefix, xattr.suffix.data, xattr.suffix.size);
		position = xattr.next;
	}
	assert_int_equal(0, image_xattr_next(&image, &one, position, &xattr, NULL));
	assert_int_equal(0, image_xattr_next(&image, &one, UINT64_MAX, &xattr, NULL));
	assert_int_equal(0, image_xattr_next(&image, &none, 0, &xattr, NULL));
	assert_int_equal(-EINVAL, image_xattr_next(&image, &one, 2, &xattr, NULL));
	free(bytes.data);
}

static void gives_acls_their_whole_key(void **state)
{
	struct bytes bytes = golden("mixed-v2");
	struct image image = opened(bytes);
	struct image_inode zero = inode_at(&image, "a/b/zero");
	struct image_xattr xattr;

	(void)state;
	assert_int_equal(1, image_xattr_next(&image, &zero, 0, &xattr, NULL));
	assert_span_equal(SPAN_LITERAL("system.posix_acl_access"), xattr.prefix);
	assert_int_equal(0, xattr.suffix.size);
	assert_int_equal(4, xattr.value.size);
	free(bytes.data);
}

static void believes_the_filter_only_when_it_may(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode two = inode_at(&image, "two");
	struct span value;

	(void)state;
	assert_true(image.has_xattr_filter);
	/* All bits set: the inode has none of them, says the filter. */
	put32(bytes, two.offset + two.head_size, UINT32_MAX);
	assert_no_value(&image, "two", "user.shared");
	bytes.data[SUPER_OFFSET + offsetof(struct super_disk, xattr_filter_reserved)] = 1;
	image = opened(bytes);
	assert_false(image.has_xattr_filter);
	assert_int_equal(0,
			 image_xattr_get(&image, &two, SPAN_LITERAL("user.shared"), &value, NULL));
	free(bytes.data);
}

static void refuses_malformed_areas(void **state)
{
	/* Of /one: 12 bytes of header, one shared id, then "lustre.lov" with index 0. */
	static const struct {
		size_t offset;
		uint8_t value;
		int error;
		const char *reason;
	} cases[] = {
		{4, 255, -EUCLEAN, "more shared ones than fit"},
		{16, 255, -EUCLEAN, "out of bounds"},
		{16, 0, -EUCLEAN, "a key that cannot be"},
		{17, 0x80, -EOPNOTSUPP, "long prefixes are not supported"},
		{17, 7, -EUCLEAN, "unknown prefix"},
		{19, 255, -EUCLEAN, "out of bounds"},
		{20, 0, -EUCLEAN, "a key that cannot be"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes bytes = image_of(dump, 0);
		struct image image = opened(bytes);
		struct image_inode one = inode_at(&image, "one");
		struct image_xattr xattr;
		struct diag why = {0};
		int r;

		bytes.data[one.offset + one.head_size + cases[i].offset] = cases[i].value;
		r = image_xattr_next(&image, &one, 0, &xattr, &why);
		if (r != cases[i].error || !strstr(why.text, cases[i].reason))
			fail_msg("case %zu: %d '%s'", i, r, why.text);
		free(bytes.data);
	}
}

static void refuses_shared_ids_beyond_the_image(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode two = inode_at(&image, "two");
	struct image_xattr xattr;
	struct span value;

	(void)state;
	put32(bytes, two.offset + two.head_size + 12, UINT32_MAX);
	assert_int_equal(-EUCLEAN, image_xattr_next(&image, &two, 0, &xattr, NULL));
	assert_int_equal(-EUCLEAN,
			 image_xattr_get(&image, &two, SPAN_LITERAL("user.shared"), &value, NULL));
	image.xattr_offset = (uint64_t)UINT32_MAX << 16;
	assert_int_equal(-EUCLEAN, image_xattr_next(&image, &two, 0, &xattr, NULL));
	free(bytes.data);
}

static void refuses_names_spelled_out(void **state)
{
	struct bytes bytes = image_of("/ 0 40755 2 0 0 0 0.0 - - -\n"
				      "/f 0 100644 1 0 0 0 0.0 - - - zser.a=1\n",
				      0);
	struct image image = opened(bytes);
	struct image_inode inode = inode_at(&image, "f");
	struct image_xattr xattr;

	(void)state;
	assert_int_equal(1, image_xattr_next(&image, &inode, 0, &xattr, NULL));
	bytes.data[inode.offset + inode.head_size + 12 + 4] = 'u';
	assert_int_equal(-EUCLEAN, image_xattr_next(&image, &inode, 0, &xattr, NULL));
	free(bytes.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gets_inline_and_shared_values),
		cmocka_unit_test(has_no_data_for_other_keys),
		cmocka_unit_test(finds_lustre_keys_in_both_spellings),
		cmocka_unit_test(lists_each_once_inline_first),
		cmocka_unit_test(gives_acls_their_whole_key),
		cmocka_unit_test(believes_the_filter_only_when_it_may),
		cmocka_unit_test(refuses_malformed_areas),
		cmocka_unit_test(refuses_shared_ids_beyond_the_image),
		cmocka_unit_test(refuses_names_spelled_out),
	};

	return cmocka_run_group_tests_name("erofs/xattr", tests, NULL, NULL);
}
