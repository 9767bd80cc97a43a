/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <pthread.h>
#include <string.h>

#include "fuse/mailbox.h"

static void gives_what_was_put(void **state)
{
	static struct mailbox mailbox;
	uint8_t request[MAILBOX_SIZE_MAX + 1], buffer[MAILBOX_SIZE_MAX];

	(void)state;
	memset(request, 'r', sizeof(request));
	assert_false(mailbox_put(&mailbox, span_of(request, 40))); /* nobody has opened it */
	mailbox_open(&mailbox);
	assert_int_equal(0, mailbox_take(&mailbox, buffer));
	assert_true(mailbox_put(&mailbox, span_of(request, 40)));
	assert_false(mailbox_put(&mailbox, span_of(request, 41))); /* there is room for one */
	assert_int_equal(40, mailbox_take(&mailbox, buffer));
	assert_memory_equal(request, buffer, 40);
	assert_int_equal(0, mailbox_take(&mailbox, buffer));

	assert_false(mailbox_put(&mailbox, span_of(request, 0)));
	assert_false(mailbox_put(&mailbox, span_of(request, MAILBOX_SIZE_MAX + 1)));
	assert_true(mailbox_put(&mailbox, span_of(request, MAILBOX_SIZE_MAX)));
	assert_int_equal(MAILBOX_SIZE_MAX, mailbox_close(&mailbox, buffer));
	assert_memory_equal(request, buffer, MAILBOX_SIZE_MAX);
	assert_false(mailbox_put(&mailbox, span_of(request, 40)));
	assert_int_equal(0, mailbox_close(&mailbox, buffer));
}

#define PUTTER_COUNT 3
#define NUMBER_COUNT 20000 /* each */

static struct mailbox shared;

/* A number all over the request; in *argument how many found no room. */
static void *put_numbers(void *argument)
{
	uint32_t request[MAILBOX_SIZE_MAX / sizeof(uint32_t)], *refused = argument;

	for (uint32_t i = 1; i <= NUMBER_COUNT; i++) {
		size_t count = 1 + i % (sizeof(request) / sizeof(request[0]));

		for (size_t at = 0; at < count; at++)
			request[at] = i;
		*refused += !mailbox_put(
			&shared, span_of((const uint8_t *)request, count * sizeof(request[0])));
	}
	return NULL;
}

static uint32_t count_whole(const uint32_t *buffer, size_t size)
{
	if (size == 0)
		return 0;
	assert_int_equal((1 + buffer[0] % (MAILBOX_SIZE_MAX / sizeof(uint32_t))) * sizeof(uint32_t),
			 size);
	for (size_t at = 1; at < size / sizeof(uint32_t); at++)
		assert_int_equal(buffer[0], buffer[at]);
	return 1;
}

/* Each request is with the owner or still with who wanted to put it, and whole. */
static void none_is_lost_between_threads(void **state)
{
	uint32_t buffer[MAILBOX_SIZE_MAX / sizeof(uint32_t)], refused[PUTTER_COUNT] = {0},
							      taken = 0;
	pthread_t threads[PUTTER_COUNT];

	(void)state;
	mailbox_open(&shared);
	for (int i = 0; i < PUTTER_COUNT; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, put_numbers, &refused[i]));
	for (uint32_t turn = 0; turn < PUTTER_COUNT * NUMBER_COUNT / 4; turn++) {
		taken += count_whole(buffer, mailbox_take(&shared, (uint8_t *)buffer));
		if (turn % 64 == 63) {
			taken += count_whole(buffer, mailbox_close(&shared, (uint8_t *)buffer));
			mailbox_open(&shared);
		}
	}
	taken += count_whole(buffer, mailbox_close(&shared, (uint8_t *)buffer));
	for (int i = 0; i < PUTTER_COUNT; i++) {
		assert_int_equal(0, pthread_join(threads[i], NULL));
		taken += refused[i];
	}
	assert_int_equal(PUTTER_COUNT * NUMBER_COUNT, taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_what_was_put),
		cmocka_unit_test(none_is_lost_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
