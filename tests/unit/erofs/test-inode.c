/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "images.h"

#include <errno.h>

/* One compact and one extended inode of each kind of fact: mtimes differ, so all but /old are
 * extended. */
static const char dump[] = "/ 0 40755 2 0 0 0 100.5 - - -\n"
			   "/dev 0 60640 1 0 6 107690 100.5 - - -\n"
			   "/fifo 0 10600 3 1000 1000 99 50.7 - - -\n"
			   "/far 9007199254740992 104755 70000 70000 80000 0 -3.5 - - -\n"
			   "/old 0 100644 9 1 2 0 -5.25 - - -\n";

static void assert_facts(const struct image_inode *inode, uint32_t mode, uint32_t nlink,
			 uint32_t uid, uint32_t gid, uint64_t size)
{
	assert_int_equal(mode, inode->mode);
	assert_int_equal(nlink, inode->nlink);
	assert_int_equal(uid, inode->uid);
	assert_int_equal(gid, inode->gid);
	assert_true(size == inode->size);
}

static void gives_the_facts_of_both_forms(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode inode;

	(void)state;
	inode = inode_at(&image, "old");
	assert_int_equal(sizeof(struct inode_compact_disk), inode.head_size);
	assert_facts(&inode, S_IFREG | 0644, 9, 1, 2, 0);
	assert_true(inode.mtime_sec == -5 && inode.mtime_nsec == 25);
	inode = inode_at(&image, "far");
	assert_int_equal(sizeof(struct inode_extended_disk), inode.head_size);
	assert_facts(&inode, S_IFREG | 04755, 70000, 70000, 80000, 1ull << 53);
	assert_true(inode.mtime_sec == -3 && inode.mtime_nsec == 5);
	inode = inode_at(&image, "dev");
	assert_facts(&inode, S_IFBLK | 0640, 1, 0, 6, 0);
	assert_int_equal(107690, inode.rdev);
	inode = inode_at(&image, "fifo");
	assert_facts(&inode, S_IFIFO | 0600, 3, 1000, 1000, 0);
	assert_int_equal(0, inode.rdev);
	free(bytes.data);
}

/* Linux 6.15 and later read this field so; observed on 6.18. */
static void a_compact_time_may_lie_after_the_build_time(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode inode = inode_at(&image, "old");

	(void)state;
	put32(bytes, inode.offset + offsetof(struct inode_compact_disk, mtime_delta), 12);
	inode = inode_at(&image, "old");
	assert_true(inode.mtime_sec == 7 && inode.mtime_nsec == 25);
	free(bytes.data);
}

static void refuses_what_is_no_inode(void **state)
{
	static const struct {
		const char *path;
		size_t field;
		uint16_t value;
		int error;
		const char *reason;
	} cases[] = {
		{"old", 0, 1 << 1, -EOPNOTSUPP, "compressed"},
		{"old", 0, 3 << 1, -EOPNOTSUPP, "compressed"},
		{"old", 0, 5 << 1, -EOPNOTSUPP, "unknown layout 5"},
		{"old", 0, 7 << 1, -EOPNOTSUPP, "unknown layout 7"},
		{"old", 0, 1 << 4, -EOPNOTSUPP, "unknown format 0x10"},
		{"old", 0, 1 << 15, -EOPNOTSUPP, "unknown format 0x8000"},
		{"old", 2, 0xffff, -EUCLEAN, "xattrs of inode"},
		{"old", 4, 0644, -EUCLEAN, "no kind of file"},
		{"old", 4, 0xf000 | 0644, -EUCLEAN, "no kind of file"},
		{"old", 4, 0x3000 | 0644, -EUCLEAN, "no kind of file"},
		{"", 10, 0x1000, -EUCLEAN, "has a size"},
		{"far", 14, 0x8000, -EUCLEAN, "has a size"},
		{"far", 16, 0x40, -EOPNOTSUPP, "unknown chunk format 0x40"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes bytes = image_of(dump, 0);
		struct image image = opened(bytes);
		struct image_inode inode = inode_at(&image, cases[i].path);
		struct diag why = {0};
		int r;

		put16(bytes, inode.offset + cases[i].field, cases[i].value);
		r = image_inode(&image, inode.nid, &inode, &why);
		if (r != cases[i].error || !strstr(why.text, cases[i].reason))
			fail_msg("case %zu: %d '%s'", i, r, why.text);
		free(bytes.data);
	}
}

static void refuses_nids_beyond_the_image(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	uint64_t first_beyond = bytes.size / INODE_SLOT;
	struct image_inode inode;

	(void)state;
	/* The last slot can only hold a compact inode; here are zeros, which are no inode. */
	assert_int_equal(-EUCLEAN, image_inode(&image, first_beyond - 1, &inode, NULL));
	assert_int_equal(-EUCLEAN, image_inode(&image, first_beyond, &inode, NULL));
	assert_int_equal(-EUCLEAN, image_inode(&image, UINT64_MAX, &inode, NULL));
	assert_int_equal(-EUCLEAN, image_inode(&image, UINT64_MAX / INODE_SLOT, &inode, NULL));
	assert_int_equal(-EUCLEAN, image_inode(&image, UINT64_MAX / INODE_SLOT + 36, &inode, NULL));
	image.meta_offset = (uint64_t)UINT32_MAX << 16;
	assert_int_equal(-EUCLEAN, image_inode(&image, UINT64_MAX / INODE_SLOT, &inode, NULL));
	free(bytes.data);
}

static void an_extended_inode_is_not_cut_off(void **state)
{
	struct bytes bytes = image_of(dump, 0);
	struct image image = opened(bytes);
	struct image_inode inode;
	struct diag why = {0};

	(void)state;
	put16(bytes, bytes.size - INODE_SLOT, INODE_EXTENDED);
	put16(bytes, bytes.size - INODE_SLOT + 4, S_IFREG | 0644);
	assert_int_equal(-EUCLEAN, image_inode(&image, bytes.size / INODE_SLOT - 1, &inode, &why));
	assert_non_null(strstr(why.text, "cut off"));
	free(bytes.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_facts_of_both_forms),
		cmocka_unit_test(a_compact_time_may_lie_after_the_build_time),
		cmocka_unit_test(refuses_what_is_no_inode),
		cmocka_unit_test(refuses_nids_beyond_the_image),
		cmocka_unit_test(an_extended_inode_is_not_cut_off),
	};

	return cmocka_run_group_tests_name("erofs/inode", tests, NULL, NULL);
}
