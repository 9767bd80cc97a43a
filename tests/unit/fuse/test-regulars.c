/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "fuse/regulars.h"

static struct regulars here;

static int set_up(void **state)
{
	(void)state;
	here = (struct regulars){0};
	return 0;
}

static void who_asks_more_counts_more(void **state)
{
	(void)state;
	assert_int_equal(0, regulars_count(&here, 1));
	for (int i = 0; i < 600; i++)
		regulars_see(&here, i % 3 == 0 ? 1 : 2);
	assert_true(regulars_count(&here, 1) > 10);
	assert_true(regulars_count(&here, 2) > regulars_count(&here, 1) * 3 / 2);
	assert_true(regulars_count(&here, 2) < 200);
	assert_int_equal(0, regulars_count(&here, 3));
	regulars_clear(&here);
	assert_int_equal(0, regulars_count(&here, 2));
}

static void who_left_is_forgotten(void **state)
{
	(void)state;
	for (int i = 0; i < 600; i++)
		regulars_see(&here, 1);
	for (int i = 0; i < 600; i++)
		regulars_see(&here, 2);
	assert_int_equal(0, regulars_count(&here, 1));
	assert_true(regulars_count(&here, 2) > 50);
}

static void who_comes_back_counts_wherever_the_place_is(void **state)
{
	(void)state;
	for (uint32_t task = 1; task <= REGULARS_MAX; task++)
		regulars_see(&here, task);
	for (int i = 0; i < 600; i++)
		regulars_see(&here, 1);
	for (uint32_t task = REGULARS_MAX; task > 1; task--) {
		assert_int_equal(0, regulars_count(&here, task));
		regulars_see(&here, task);
		assert_int_equal(1, regulars_count(&here, task));
	}
}

static void there_is_room_for_some(void **state)
{
	uint32_t known = 0;

	(void)state;
	for (uint32_t i = 0; i < 640; i++)
		regulars_see(&here, 1 + i % (2 * REGULARS_MAX));
	for (uint32_t task = 1; task <= 2 * REGULARS_MAX; task++)
		known += regulars_count(&here, task) > 0;
	assert_int_equal(REGULARS_MAX, known);
}

static void no_task_is_nobody(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		regulars_see(&here, 0);
	assert_int_equal(0, regulars_count(&here, 0));
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_asks_more_counts_more),
		TEST(who_left_is_forgotten),
		TEST(who_comes_back_counts_wherever_the_place_is),
		TEST(there_is_room_for_some),
		TEST(no_task_is_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
