/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <dirent.h>
#include <errno.h>

#include "fuse/abi.h"
#include "fuse/reply.h"

static uint8_t buffer[4096];
static uint8_t image[8192];

static struct fuse_reply reply_with_limit(size_t limit)
{
	return (struct fuse_reply){
		.buffer = buffer,
		.capacity = sizeof(buffer),
		.limit = limit,
		.part_count = 1,
	};
}

static void refuses_more_than_was_asked_for(void **state)
{
	struct fuse_reply reply = reply_with_limit(5);

	(void)state;
	assert_int_equal(0, reply_copy(&reply, SPAN_LITERAL("123")));
	assert_int_equal(-ERANGE, reply_copy(&reply, SPAN_LITERAL("456")));
	assert_int_equal(0, reply_copy(&reply, SPAN_LITERAL("45")));
	assert_int_equal(0, reply_room(&reply));
	assert_null(reply_claim(&reply, 1));
	assert_memory_equal(buffer, "12345", 5);
	assert_int_equal(2, reply.part_count); /* what adjoins is one part */
}

static void points_at_large_bytes_and_copies_small_ones(void **state)
{
	struct fuse_reply reply = reply_with_limit(8192);

	(void)state;
	assert_int_equal(0, reply_span(&reply, span_of(image, 4096)));
	assert_int_equal(0, reply_span(&reply, span_of(image, 3)));
	assert_int_equal(3, reply.part_count);
	assert_ptr_equal(reply.parts[1].iov_base, image);
	assert_ptr_equal(reply.parts[2].iov_base, buffer);
	assert_int_equal(4099, reply.size);
}

static void keeps_all_in_the_buffer_when_the_transport_wants_one_piece(void **state)
{
	struct fuse_reply reply = reply_with_limit(4096);

	(void)state;
	reply.is_flat = true;
	memset(image, 'i', 1000);
	assert_int_equal(0, reply_copy(&reply, SPAN_LITERAL("ab")));
	assert_int_equal(0, reply_span(&reply, span_of(image, 1000)));
	assert_non_null(reply_claim(&reply, 10));
	reply_unclaim(&reply, 10);
	assert_int_equal(1002, reply.size);
	assert_int_equal(1002, reply.used);
	assert_memory_equal(buffer, "abii", 4);
	assert_int_equal(buffer[1001], 'i');
	assert_int_equal(1, reply.part_count);
	assert_int_equal(-ERANGE, reply_span(&reply, span_of(image, 4000)));
}

static void never_has_more_parts_than_there_is_room_for(void **state)
{
	struct fuse_reply reply = reply_with_limit(SIZE_MAX);
	size_t total = 0;
	int r = 0;

	(void)state;
	for (int i = 0; i < 1000 && r == 0; i++) {
		r = reply_span(&reply, span_of(image, 1000));
		if (r == 0)
			r = reply_copy(&reply, SPAN_LITERAL("x"));
	}
	assert_int_equal(-ERANGE, r); /* the buffer is full */
	assert_true(reply.part_count <= 1 + REPLY_PARTS_MAX);
	for (uint32_t i = 1; i < reply.part_count; i++)
		total += reply.parts[i].iov_len;
	assert_int_equal(reply.size, total);
}

static void a_query_only_counts(void **state)
{
	struct fuse_reply reply = reply_with_limit(UINT32_MAX);

	(void)state;
	reply.is_query = true;
	assert_int_equal(0, reply_span(&reply, span_of(image, 8000)));
	assert_int_equal(0, reply_copy(&reply, SPAN_LITERAL("abc")));
	assert_int_equal(8003, reply.size);
	assert_int_equal(1, reply.part_count);
	assert_int_equal(0, reply.used);
}

static void what_was_claimed_too_much_goes_back(void **state)
{
	struct fuse_reply reply = reply_with_limit(100);

	(void)state;
	assert_ptr_equal(buffer, reply_claim(&reply, 80));
	reply_unclaim(&reply, 50);
	assert_int_equal(30, reply.size);
	assert_int_equal(70, reply_room(&reply));
	assert_int_equal(30, reply.parts[1].iov_len);
}

static void entries_are_padded_and_stop_when_full(void **state)
{
	struct fuse_reply reply = reply_with_limit(24 + 8 + 24 + 15);
	struct fuse_dirent entry = {
		.name = SPAN_LITERAL("abc"), .ino = 9, .next = 12, .type = DT_LNK};
	struct abi_dirent dirent;

	(void)state;
	memset(buffer, 0xee, sizeof(buffer));
	assert_true(reply_dirent(&reply, false, &entry));
	memcpy(&dirent, buffer, sizeof(dirent));
	assert_int_equal(9, dirent.ino);
	assert_int_equal(12, dirent.next);
	assert_int_equal(3, dirent.name_size);
	assert_int_equal(DT_LNK, dirent.type);
	assert_memory_equal(buffer + 24, "abc\0\0\0\0\0", 8);
	entry.name = SPAN_LITERAL("123456789"); /* 24 + 16: one byte too many */
	assert_false(reply_dirent(&reply, false, &entry));
	assert_int_equal(32, reply.size);
}

static void an_entry_without_nodeid_has_no_attributes(void **state)
{
	struct fuse_reply reply = reply_with_limit(4096);
	struct fuse_dirent entry = {
		.name = SPAN_LITERAL("."), .ino = 9, .next = 12, .type = DT_DIR};
	struct abi_entry full;

	(void)state;
	assert_true(reply_dirent(&reply, true, &entry));
	memcpy(&full, buffer, sizeof(full));
	assert_int_equal(0, full.nodeid);
	assert_int_equal(0, full.entry_valid);
	entry.nodeid = 5;
	entry.attributes.size = 4097;
	assert_true(reply_dirent(&reply, true, &entry));
	memcpy(&full, buffer + 128 + 24 + 8, sizeof(full));
	assert_int_equal(5, full.nodeid);
	assert_true(full.entry_valid > 1000000000);
	assert_int_equal(16, full.attributes.blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_more_than_was_asked_for),
		cmocka_unit_test(points_at_large_bytes_and_copies_small_ones),
		cmocka_unit_test(keeps_all_in_the_buffer_when_the_transport_wants_one_piece),
		cmocka_unit_test(never_has_more_parts_than_there_is_room_for),
		cmocka_unit_test(a_query_only_counts),
		cmocka_unit_test(what_was_claimed_too_much_goes_back),
		cmocka_unit_test(entries_are_padded_and_stop_when_full),
		cmocka_unit_test(an_entry_without_nodeid_has_no_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
