/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include <sys/mman.h>

#include "base/limits.h"
#include "oci/tar_index.h"

/* The content of name in the archive, or its errno as "-N". The archive stays. */
static const char *content(const struct buf *tar, const char *name)
{
	static char text[64];
	struct tar_index *index;
	struct tar_range range = {0};
	struct diag why = {0};
	int fd = memfd_create("tar", MFD_CLOEXEC);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(0, fd_write(fd, tar->data, tar->size));
	r = tar_index_read(fd, tar->size, &index, &why);
	if (r == 0) {
		r = tar_index_find(index, name, &range, &why);
		tar_index_free(index);
	}
	(void)close(fd);
	if (r == 0)
		(void)snprintf(text, sizeof(text), "%.*s", (int)range.size,
			       (const char *)tar->data + range.offset);
	else
		(void)snprintf(text, sizeof(text), "%d", r);
	if (r < 0 && r != -ENOENT)
		assert_true(why.text[0]);
	return text;
}

static const char *error(int err)
{
	static char text[16];

	(void)snprintf(text, sizeof(text), "%d", -err);
	return text;
}

static void members_are_found_where_they_lie(void **state)
{
	struct buf tar = {0};

	(void)state;
	made_member(&tar, '5', "dir/", "", SPAN_EMPTY);
	made_member_text(&tar, "dir/first", "one");
	made_member_text(&tar, "./second", "two");
	made_member_text(&tar, "empty", "");
	made_member(&tar, '\0', "old", "", span_of_string("v7"));
	made_end(&tar);
	assert_string_equal("one", content(&tar, "dir/first"));
	assert_string_equal("two", content(&tar, "second"));
	assert_string_equal("", content(&tar, "empty"));
	assert_string_equal("v7", content(&tar, "old"));
	assert_string_equal(error(ENOENT), content(&tar, "dir"));
	assert_string_equal(error(ENOENT), content(&tar, "none"));
	buf_release(&tar);
}

static void long_names_come_from_pax_gnu_and_the_prefix(void **state)
{
	struct buf tar = {0};

	(void)state;
	made_member(&tar, 'x', "pax", "", span_of_string("18 path=by/pax\n"));
	made_member_text(&tar, "short", "pax");
	made_end(&tar);
	/* the record claims 18 bytes, and has 15 */
	assert_string_equal(error(EUCLEAN), content(&tar, "by/pax"));

	tar.size = 0;
	made_member(&tar, 'g', "global", "", span_of_string("15 path=global\n"));
	made_member(&tar, 'x', "pax", "", span_of_string("20 mtime=1234567890\n15 path=by/pax\n"));
	made_member_text(&tar, "short", "pax");
	made_member(&tar, 'L', "././@LongLink", "", span_of("by/gnu\0", 7));
	made_member_text(&tar, "short", "gnu");
	made_member_text(&tar, "plain", "plain");

	made_end(&tar);
	assert_string_equal("pax", content(&tar, "by/pax"));
	assert_string_equal("gnu", content(&tar, "by/gnu"));
	assert_string_equal("plain", content(&tar, "plain"));
	assert_string_equal(error(ENOENT), content(&tar, "short"));
	assert_string_equal(error(ENOENT), content(&tar, "global"));
	buf_release(&tar);
}

static void a_prefix_belongs_to_the_name(void **state)
{
	struct buf tar = {0};
	unsigned int sum = 0;

	(void)state;
	made_member_text(&tar, "name", "prefixed");
	memcpy(tar.data + 345, "the/prefix", 10);
	memset(tar.data + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += tar.data[i];
	(void)snprintf((char *)tar.data + 148, 8, "%06o", sum);
	assert_string_equal("prefixed", content(&tar, "the/prefix/name"));
	buf_release(&tar);
}

/* Docker wrote a layer that two images share as a link to the first. */
static void links_are_followed_within_the_archive(void **state)
{
	struct buf tar = {0};

	(void)state;
	made_member_text(&tar, "a/layer.tar", "layer");
	made_member(&tar, '2', "b/layer.tar", "../a/layer.tar", SPAN_EMPTY);
	made_member(&tar, '2', "c/layer.tar", "./../b//layer.tar", SPAN_EMPTY);
	made_member(&tar, '1', "d", "a/layer.tar", SPAN_EMPTY);
	made_member(&tar, '2', "absolute", "/a/layer.tar", SPAN_EMPTY);
	made_member(&tar, '2', "out", "../../etc/passwd", SPAN_EMPTY);
	made_member(&tar, '2', "loop", "loop", SPAN_EMPTY);
	made_member(&tar, '2', "dangling", "none", SPAN_EMPTY);
	made_end(&tar);
	assert_string_equal("layer", content(&tar, "b/layer.tar"));
	assert_string_equal("layer", content(&tar, "c/layer.tar"));
	assert_string_equal("layer", content(&tar, "d"));
	assert_string_equal("layer", content(&tar, "absolute"));
	assert_string_equal(error(EUCLEAN), content(&tar, "out"));
	assert_string_equal(error(EUCLEAN), content(&tar, "loop"));
	assert_string_equal(error(EUCLEAN), content(&tar, "dangling"));
	buf_release(&tar);
}

static void a_name_that_is_twice_is_nobodys(void **state)
{
	struct buf tar = {0};

	(void)state;
	made_member_text(&tar, "a", "one");
	made_member_text(&tar, "./a", "two");
	made_member_text(&tar, "b", "b");
	made_end(&tar);
	assert_string_equal(error(EUCLEAN), content(&tar, "a"));
	assert_string_equal("b", content(&tar, "b"));
	buf_release(&tar);
}

static void a_damaged_archive_is_refused_at_every_cut(void **state)
{
	struct buf tar = {0}, cut = {0};

	(void)state;
	made_member(&tar, 'x', "pax", "", span_of_string("12 path=a/b\n"));
	made_member_text(&tar, "short", "content");
	for (size_t size = 1; size < tar.size; size++) {
		/* What fills the last block may be missing, umoci leaves it out. */
		bool is_whole = size >= tar.size - (512 - strlen("content"));

		cut.size = 0;
		assert_int_equal(0, buf_append(&cut, tar.data, size));
		assert_string_equal(is_whole ? "content" : error(EUCLEAN), content(&cut, "a/b"));
	}
	for (size_t i = 0; i < 512; i++) {
		cut.size = 0;
		assert_int_equal(0, buf_append_span(&cut, buf_span(&tar)));
		cut.data[i] ^= 0x40;
		assert_string_equal(error(EUCLEAN), content(&cut, "a/b"));
	}
	buf_release(&tar);
	buf_release(&cut);
}

static void members_have_a_limit(void **state)
{
	struct buf tar = {0};

	(void)state;
	for (int i = 0; i <= ARCHIVE_MEMBER_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%d", i);
		made_member(&tar, '0', name, "", SPAN_EMPTY);
		if (i == ARCHIVE_MEMBER_MAX - 1)
			assert_string_equal("", content(&tar, "0"));
	}
	assert_string_equal(error(E2BIG), content(&tar, "0"));
	buf_release(&tar);
}

static void names_that_are_too_long_are_passed_over(void **state)
{
	char name[ARCHIVE_NAME_MAX + 100];
	struct buf tar = {0};

	(void)state;
	memset(name, 'n', sizeof(name));
	made_member(&tar, 'L', "././@LongLink", "", span_of(name, sizeof(name)));
	made_member_text(&tar, "short", "long");
	made_member_text(&tar, "next", "next");
	assert_string_equal("next", content(&tar, "next"));
	assert_string_equal(error(ENOENT), content(&tar, "short"));
	buf_release(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found_where_they_lie),
		cmocka_unit_test(long_names_come_from_pax_gnu_and_the_prefix),
		cmocka_unit_test(a_prefix_belongs_to_the_name),
		cmocka_unit_test(links_are_followed_within_the_archive),
		cmocka_unit_test(a_name_that_is_twice_is_nobodys),
		cmocka_unit_test(a_damaged_archive_is_refused_at_every_cut),
		cmocka_unit_test(members_have_a_limit),
		cmocka_unit_test(names_that_are_too_long_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
