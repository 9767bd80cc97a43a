/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <sched.h>
#include <unistd.h>

#include "fuse/crowd.h"

static void crowd_or_skip(struct crowd *crowd)
{
	*crowd = (struct crowd){0};
	crowd_init(crowd);
	need("cpus", crowd->seat_count > 0, "needs 2 to 4 CPUs");
}

static void seats_are_taken_once(void **state)
{
	struct crowd crowd;

	(void)state;
	crowd_or_skip(&crowd);
	assert_false(crowd_join(&crowd)); /* none yet */
	crowd_begin(&crowd);
	assert_true(crowd_is_on(&crowd));
	for (unsigned int i = 0; i < crowd.seat_count; i++) {
		assert_false(crowd_is_complete(&crowd));
		assert_true(crowd_join(&crowd));
	}
	assert_true(crowd_is_complete(&crowd));
	assert_false(crowd_join(&crowd));
	assert_true(crowd_is_complete(&crowd));

	for (unsigned int i = 0; i < crowd.seat_count; i++)
		crowd_leave(&crowd);
	assert_false(crowd_is_complete(&crowd));
	crowd_end(&crowd);
	assert_false(crowd_join(&crowd));
	crowd_begin(&crowd);
	assert_true(crowd_join(&crowd));
	crowd_leave(&crowd);
}

static void a_member_runs_on_the_cpu_of_its_seat(void **state)
{
	struct crowd crowd;
	cpu_set_t before, during, after;

	(void)state;
	crowd_or_skip(&crowd);
	assert_int_equal(0, sched_getaffinity(0, sizeof(before), &before));
	crowd_begin(&crowd);
	for (unsigned int i = 0; i < crowd.seat_count; i++) {
		assert_true(crowd_join(&crowd));
		assert_int_equal(0, sched_getaffinity(0, sizeof(during), &during));
		assert_int_equal(1, CPU_COUNT(&during));
		assert_true(CPU_ISSET((size_t)crowd.cpus[i], &during));
	}
	crowd_leave(&crowd);
	assert_int_equal(0, sched_getaffinity(0, sizeof(after), &after));
	assert_true(CPU_EQUAL(&before, &after));
}

static void member_begin(struct crowd *crowd, struct crowd_member *ret)
{
	crowd_or_skip(crowd);
	crowd_begin(crowd);
	assert_true(crowd_join(crowd));
	*ret = (struct crowd_member){0};
	pace_begin(&ret->pace);
}

#define ENDS_WITHIN 100 /* windows: far more than it takes */

static void who_has_the_cpu_alone_ends_it(void **state)
{
	const struct pace_window alone = {.is_burst = true, .busy_percent = 99},
				 beside = {.is_burst = true, .busy_percent = 60};
	struct crowd_member member;
	struct crowd crowd;
	int windows = 0;

	(void)state;
	member_begin(&crowd, &member);
	for (int i = 0; i < ENDS_WITHIN; i++) { /* now and then somebody comes */
		crowd_window(&crowd, &member, i % 5 ? &alone : &beside);
		assert_true(crowd_is_on(&crowd));
	}
	for (; crowd_is_on(&crowd) && windows < ENDS_WITHIN; windows++)
		crowd_window(&crowd, &member, &alone);
	assert_false(crowd_is_on(&crowd));
	assert_true(windows > 1); /* not at once */
	crowd_leave(&crowd);
}

static void who_hardly_gets_the_cpu_ends_it(void **state)
{
	struct crowd_member member;
	struct crowd crowd;

	(void)state;
	member_begin(&crowd, &member);
	for (int i = 0; i < PACE_WINDOW; i++) {
		assert_true(crowd_is_on(&crowd));
		(void)usleep(PACE_BURST_NS / 1000 * 2); /* others run */
		crowd_polled(&crowd, &member, true);
	}
	assert_false(crowd_is_on(&crowd));
	crowd_leave(&crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seats_are_taken_once),
		cmocka_unit_test(a_member_runs_on_the_cpu_of_its_seat),
		cmocka_unit_test(who_has_the_cpu_alone_ends_it),
		cmocka_unit_test(who_hardly_gets_the_cpu_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
