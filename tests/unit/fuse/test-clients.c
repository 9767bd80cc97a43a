/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "fuse/clients.h"

#define WINDOW 64

static unsigned int seen(uint32_t (*task)(uint32_t i))
{
	struct clients clients = {0};

	for (uint32_t i = 0; i < WINDOW; i++)
		clients_see(&clients, task(i));
	return clients_at_once(&clients);
}

static uint32_t one(uint32_t i)
{
	(void)i;
	return 7;
}

static uint32_t nobody(uint32_t i)
{
	(void)i;
	return 0; /* the kernel itself */
}

static uint32_t two_in_turn(uint32_t i)
{
	return 100 + i % 2;
}

static uint32_t two_in_pairs(uint32_t i)
{
	return 100 + i / 2 % 2;
}

static uint32_t two_one_after_the_other(uint32_t i)
{
	return 100 + i / (WINDOW / 2);
}

static uint32_t four(uint32_t i)
{
	return 100 + i % 4;
}

static uint32_t too_many(uint32_t i)
{
	return 100 + i;
}

static uint32_t one_and_somebody_who_passes_by(uint32_t i)
{
	return i % 32 == 5 ? 9 : 7;
}

static void clients_at_once_are_those_that_alternate(void **state)
{
	(void)state;
	assert_int_equal(1, seen(one));
	assert_int_equal(1, seen(nobody));
	assert_int_equal(2, seen(two_in_turn));
	assert_int_equal(2, seen(two_in_pairs));
	assert_int_equal(1, seen(two_one_after_the_other));
	assert_int_equal(4, seen(four));
	assert_int_equal(1, seen(one_and_somebody_who_passes_by));
	/* A new task for each request, as of a shell script: one after the other. */
	assert_int_equal(1, seen(too_many));
}

static void counting_begins_anew(void **state)
{
	struct clients clients = {0};

	(void)state;
	assert_int_equal(1, clients_at_once(&clients)); /* of none */
	for (uint32_t i = 0; i < WINDOW; i++)
		clients_see(&clients, two_in_turn(i));
	assert_int_equal(2, clients_at_once(&clients));
	for (uint32_t i = 0; i < WINDOW; i++)
		clients_see(&clients, one(i));
	assert_int_equal(1, clients_at_once(&clients));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_at_once_are_those_that_alternate),
		cmocka_unit_test(counting_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
