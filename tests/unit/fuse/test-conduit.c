/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Replies that go through a pipe, with a file in the place of the kernel. What the kernel makes of
 * them: ../serve/test-mounted.c.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "fuse/abi.h"
#include "fuse/conduit.h"
#include "fuse/reply.h"

#define FILE_SIZE (3 * REPLY_READ_MAX)

static struct conduit conduit;
static int file_fd, sent_fd;
static uint8_t content[FILE_SIZE];

static int memory_file(void)
{
	int fd = memfd_create("conduit", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int set_up(void **state)
{
	(void)state;
	conduit = CONDUIT_CLOSED;
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7 + i / 251);
	file_fd = memory_file();
	assert_int_equal(sizeof(content), write(file_fd, content, sizeof(content)));
	sent_fd = memory_file();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	conduit_close(&conduit);
	fd_closep(&file_fd);
	fd_closep(&sent_fd);
	return 0;
}

static struct abi_reply head_of(size_t size)
{
	return (struct abi_reply){.size = (uint32_t)(sizeof(struct abi_reply) + size),
				  .unique = 77};
}

static void expect_sent(uint64_t at, uint64_t offset, size_t size)
{
	static uint8_t sent[sizeof(struct abi_reply) + REPLY_READ_MAX];
	struct abi_reply head = head_of(size);

	assert_int_equal(sizeof(head) + size, pread(sent_fd, sent, sizeof(head) + size, (off_t)at));
	assert_memory_equal(&head, sent, sizeof(head));
	assert_memory_equal(content + offset, sent + sizeof(head), size);
}

static void a_reply_is_its_head_and_the_bytes_of_the_file(void **state)
{
	static const struct {
		uint64_t offset;
		size_t size;
	} parts[] = {{0, REPLY_READ_MAX},
		     {4096, REPLY_READ_MAX},
		     {1, REPLY_READ_MAX}, /* begins and ends within a page: one more of them */
		     {FILE_SIZE - CONDUIT_SIZE_MIN, CONDUIT_SIZE_MIN},
		     {4095, CONDUIT_SIZE_MIN + 2}};
	uint64_t at = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct abi_reply head = head_of(parts[i].size);

		assert_true(conduit_fill(&conduit, &head, file_fd, parts[i].offset, parts[i].size));
		assert_int_equal(0, conduit_send(&conduit, sent_fd));
		expect_sent(at, parts[i].offset, parts[i].size);
		at += head.size;
	}
}

static void a_file_that_is_too_short_leaves_nothing_behind(void **state)
{
	struct abi_reply head = head_of(REPLY_READ_MAX);

	(void)state;
	assert_false(conduit_fill(&conduit, &head, file_fd, FILE_SIZE - 100, REPLY_READ_MAX));
	assert_false(conduit_fill(&conduit, &head, file_fd, FILE_SIZE, REPLY_READ_MAX));
	assert_true(conduit_fill(&conduit, &head, file_fd, 100, REPLY_READ_MAX));
	assert_int_equal(0, conduit_send(&conduit, sent_fd));
	expect_sent(0, 100, REPLY_READ_MAX);
}

static void what_was_not_sent_is_thrown_away(void **state)
{
	struct abi_reply head = head_of(CONDUIT_SIZE_MIN);
	int closed = memory_file();

	(void)state;
	assert_true(conduit_fill(&conduit, &head, file_fd, 0, CONDUIT_SIZE_MIN));
	assert_true(conduit_fill(&conduit, &head, file_fd, 5, CONDUIT_SIZE_MIN));
	assert_int_equal(0, conduit_send(&conduit, sent_fd));
	expect_sent(0, 5, CONDUIT_SIZE_MIN);
	/* The same after a reply that could not be sent. */
	fd_close(closed);
	assert_true(conduit_fill(&conduit, &head, file_fd, 0, CONDUIT_SIZE_MIN));
	assert_int_equal(-EBADF, conduit_send(&conduit, closed));
	assert_true(conduit_fill(&conduit, &head, file_fd, 9, CONDUIT_SIZE_MIN));
	assert_int_equal(0, conduit_send(&conduit, sent_fd));
	expect_sent(head.size, 9, CONDUIT_SIZE_MIN);
}

static void files_that_cannot_be_spliced_are_tried_once(void **state)
{
	struct abi_reply head = head_of(CONDUIT_SIZE_MIN);
	int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(folder >= 0);
	assert_false(conduit_fill(&conduit, &head, folder, 0, CONDUIT_SIZE_MIN));
	assert_true(conduit.is_no_use);
	assert_false(conduit_fill(&conduit, &head, file_fd, 0, CONDUIT_SIZE_MIN));
	fd_close(folder);
}

/* A reply as dispatch() begins it. */
static struct fuse_reply reply_begin(struct abi_reply *head, struct conduit *through)
{
	struct fuse_reply reply = {.limit = REPLY_READ_MAX, .part_count = 1, .conduit = through};

	*head = (struct abi_reply){sizeof(*head), 0, 77};
	reply.parts[0] = (struct iovec){head, sizeof(*head)};
	return reply;
}

static void only_large_answers_are_taken_and_only_by_who_can(void **state)
{
	struct abi_reply head;
	struct fuse_reply reply = reply_begin(&head, NULL);

	(void)state;
	assert_false(reply_file(&reply, file_fd, 0, REPLY_READ_MAX));
	reply = reply_begin(&head, &conduit);
	conduit.is_no_use = true;
	assert_false(reply_takes_file(&reply, CONDUIT_SIZE_MIN));
	conduit.is_no_use = false;
	assert_true(reply_takes_file(&reply, CONDUIT_SIZE_MIN));
	assert_false(reply_file(&reply, file_fd, 0, CONDUIT_SIZE_MIN - 1));
	assert_false(reply_file(&reply, file_fd, 0, REPLY_READ_MAX + 1));
	assert_false(reply_file(&reply, file_fd, FILE_SIZE, CONDUIT_SIZE_MIN));
	assert_false(reply.is_in_conduit);
	assert_int_equal(0, reply.size);
	assert_true(reply_file(&reply, file_fd, 3, CONDUIT_SIZE_MIN));
	assert_true(reply.is_in_conduit);
	assert_int_equal(CONDUIT_SIZE_MIN, reply.size);
	assert_int_equal(0, conduit_send(&conduit, sent_fd));
	expect_sent(0, 3, CONDUIT_SIZE_MIN);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reply_is_its_head_and_the_bytes_of_the_file),
		TEST(a_file_that_is_too_short_leaves_nothing_behind),
		TEST(what_was_not_sent_is_thrown_away),
		TEST(files_that_cannot_be_spliced_are_tried_once),
		TEST(only_large_answers_are_taken_and_only_by_who_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
