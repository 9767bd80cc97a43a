/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <pthread.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/ring.h"

#define SLOT_SIZE 4096

struct reading {
	struct ring *ring;
	unsigned int reader;
	uint64_t stops_at; /* cancels there; 0: never */
	uint64_t size;
	uint32_t sum;
	int result;
	struct diag why;
};

static void *read_all(void *context)
{
	struct reading *reading = context;
	struct span bytes;

	while ((reading->result =
			ring_next(reading->ring, reading->reader, &bytes, &reading->why)) > 0) {
		for (size_t i = 0; i < bytes.size; i++)
			reading->sum = reading->sum * 31 + bytes.data[i];
		reading->size += bytes.size;
		if (reading->stops_at && reading->size >= reading->stops_at) {
			ring_cancel(reading->ring);
			break;
		}
	}
	return NULL;
}

/* Slots of 1 to SLOT_SIZE bytes. Returns 0 or -ECANCELED. */
static int write_some(struct ring *ring, size_t count, uint64_t *size, uint32_t *sum)
{
	uint32_t random = 1;

	for (size_t i = 0; i < count; i++) {
		size_t part = 1 + (random >> 8) % SLOT_SIZE;
		uint8_t *room;
		int r = ring_room(ring, &room);

		if (r < 0)
			return r;
		for (size_t k = 0; k < part; k++) {
			random = random * 1664525 + 1013904223;
			room[k] = (uint8_t)(random >> 24);
			*sum = *sum * 31 + room[k];
		}
		*size += part;
		ring_put(ring, part);
	}
	return 0;
}

static void every_reader_gets_all_bytes(void **state)
{
	(void)state;
	for (unsigned int readers = 1; readers <= RING_READERS_MAX; readers++) {
		for (size_t slots = 1; slots < 6; slots += 2) {
			CLEAN(ring_freep) struct ring *ring = NULL;
			struct reading readings[RING_READERS_MAX] = {0};
			pthread_t threads[RING_READERS_MAX];
			uint64_t size = 0;
			uint32_t sum = 0;

			assert_int_equal(0, ring_new(slots, SLOT_SIZE, readers, &ring));
			for (unsigned int i = 0; i < readers; i++) {
				readings[i] = (struct reading){.ring = ring, .reader = i};
				assert_int_equal(0, pthread_create(&threads[i], NULL, read_all,
								   &readings[i]));
			}
			assert_int_equal(0, write_some(ring, 2000, &size, &sum));
			ring_end(ring, 0, NULL);
			for (unsigned int i = 0; i < readers; i++) {
				assert_int_equal(0, pthread_join(threads[i], NULL));
				assert_int_equal(0, readings[i].result);
				assert_int_equal(size, readings[i].size);
				assert_int_equal(sum, readings[i].sum);
			}
		}
	}
}

static void an_error_comes_behind_the_bytes(void **state)
{
	CLEAN(ring_freep) struct ring *ring = NULL;
	const struct diag why = {"the reason"};
	struct reading reading = {0};
	uint64_t size = 0;
	uint32_t sum = 0;

	(void)state;
	assert_int_equal(0, ring_new(4, SLOT_SIZE, 1, &ring));
	assert_int_equal(0, write_some(ring, 3, &size, &sum));
	ring_end(ring, -EIO, &why);
	reading.ring = ring;
	(void)read_all(&reading);
	assert_int_equal(-EIO, reading.result);
	assert_string_equal("the reason", reading.why.text);
	assert_int_equal(size, reading.size);
}

/* The writer waits for room, the other reader for bytes. */
static void cancelling_wakes_everybody(void **state)
{
	(void)state;
	for (uint64_t stops_at = 1; stops_at < 40000; stops_at += 5000) {
		CLEAN(ring_freep) struct ring *ring = NULL;
		struct reading readings[2] = {{.stops_at = stops_at}, {0}};
		pthread_t threads[2];
		uint64_t size = 0;
		uint32_t sum = 0;

		assert_int_equal(0, ring_new(3, SLOT_SIZE, 2, &ring));
		for (unsigned int i = 0; i < 2; i++) {
			readings[i].ring = ring;
			readings[i].reader = i;
			assert_int_equal(0,
					 pthread_create(&threads[i], NULL, read_all, &readings[i]));
		}
		assert_int_equal(-ECANCELED, write_some(ring, SIZE_MAX, &size, &sum));
		assert_int_equal(0, pthread_join(threads[0], NULL));
		assert_int_equal(0, pthread_join(threads[1], NULL));
		assert_int_equal(-ECANCELED, readings[1].result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reader_gets_all_bytes),
		cmocka_unit_test(an_error_comes_behind_the_bytes),
		cmocka_unit_test(cancelling_wakes_everybody),
	};

	return cmocka_run_group_tests_name("base/ring", tests, NULL, NULL);
}
