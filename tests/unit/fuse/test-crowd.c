/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <sched.h>
#include <unistd.h>

#include "fuse/crowd.h"

static uint8_t buffer[MAILBOX_SIZE_MAX];

static void crowd_or_skip(struct crowd *crowd)
{
	*crowd = (struct crowd){0};
	crowd_init(crowd);
	need("cpus", crowd->seat_count > 0, "needs 2 to 4 CPUs");
}

static void seats_are_taken_once(void **state)
{
	struct crowd_member members[CPUS_FEW_MAX], more;
	struct crowd crowd;

	(void)state;
	crowd_or_skip(&crowd);
	assert_false(crowd_join(&crowd, &members[0])); /* none yet */
	crowd_begin(&crowd);
	assert_true(crowd_is_on(&crowd));
	for (unsigned int i = 0; i < crowd.seat_count; i++) {
		assert_false(crowd_is_complete(&crowd));
		assert_true(crowd_join(&crowd, &members[i]));
	}
	assert_true(crowd_is_complete(&crowd));
	assert_false(crowd_join(&crowd, &more));
	assert_true(crowd_is_complete(&crowd));

	for (unsigned int i = 0; i < crowd.seat_count; i++)
		assert_int_equal(0, crowd_leave(&crowd, &members[i], buffer));
	assert_false(crowd_is_complete(&crowd));
	crowd_end(&crowd);
	assert_false(crowd_join(&crowd, &more));
	crowd_begin(&crowd);
	assert_true(crowd_join(&crowd, &more));
	assert_int_equal(0, crowd_leave(&crowd, &more, buffer));
}

static void a_member_runs_on_the_cpu_of_its_seat(void **state)
{
	struct crowd_member members[CPUS_FEW_MAX];
	struct crowd crowd;
	cpu_set_t before, during, after;

	(void)state;
	crowd_or_skip(&crowd);
	assert_int_equal(0, sched_getaffinity(0, sizeof(before), &before));
	crowd_begin(&crowd);
	for (unsigned int i = 0; i < crowd.seat_count; i++) {
		assert_true(crowd_join(&crowd, &members[i]));
		assert_int_equal(0, sched_getaffinity(0, sizeof(during), &during));
		assert_int_equal(1, CPU_COUNT(&during));
		assert_true(CPU_ISSET((size_t)crowd.cpus[i], &during));
	}
	assert_int_equal(0, crowd_leave(&crowd, &members[0], buffer));
	assert_int_equal(0, sched_getaffinity(0, sizeof(after), &after));
	assert_true(CPU_EQUAL(&before, &after));
}

static void member_begin(struct crowd *crowd, struct crowd_member *ret)
{
	crowd_or_skip(crowd);
	crowd_begin(crowd);
	assert_true(crowd_join(crowd, ret));
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
	assert_int_equal(0, crowd_leave(&crowd, &member, buffer));
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
	assert_int_equal(0, crowd_leave(&crowd, &member, buffer));
}

#define MINE 100
#define THEIRS 200

/* Two members that have found, mostly, what each one's own client asked. */
static void two_begin(struct crowd *crowd, struct crowd_member members[2])
{
	crowd_or_skip(crowd);
	crowd_begin(crowd);
	for (unsigned int i = 0; i < 2; i++)
		assert_true(crowd_join(crowd, &members[i]));
	for (unsigned int i = 0; i < 200; i++) {
		bool is_stray = i % 8 == 0;

		(void)crowd_hand_over(crowd, &members[0], is_stray ? THEIRS : MINE,
				      SPAN_LITERAL("request"));
		(void)crowd_hand_over(crowd, &members[1], is_stray ? MINE : THEIRS,
				      SPAN_LITERAL("request"));
		(void)crowd_take(crowd, &members[0], buffer);
		(void)crowd_take(crowd, &members[1], buffer);
	}
}

static void what_is_another_ones_is_handed_over(void **state)
{
	struct crowd_member members[2];
	struct crowd crowd;

	(void)state;
	two_begin(&crowd, members);
	assert_false(crowd_hand_over(&crowd, &members[0], MINE, SPAN_LITERAL("mine")));
	assert_false(crowd_hand_over(&crowd, &members[0], 300, SPAN_LITERAL("nobody's")));
	assert_false(crowd_hand_over(&crowd, &members[0], 0, SPAN_LITERAL("the kernel's")));
	assert_true(crowd_hand_over(&crowd, &members[0], THEIRS, SPAN_LITERAL("theirs")));
	/* While one waits there, the next is kept. */
	assert_false(crowd_hand_over(&crowd, &members[0], THEIRS, SPAN_LITERAL("more")));
	assert_int_equal(0, crowd_take(&crowd, &members[0], buffer));
	assert_int_equal(6, crowd_take(&crowd, &members[1], buffer));
	assert_memory_equal("theirs", buffer, 6);

	/* Who leaves gets what is still there, and nothing after that. */
	assert_true(crowd_hand_over(&crowd, &members[0], THEIRS, SPAN_LITERAL("last")));
	assert_int_equal(4, crowd_leave(&crowd, &members[1], buffer));
	assert_memory_equal("last", buffer, 4);
	assert_false(crowd_hand_over(&crowd, &members[0], THEIRS, SPAN_LITERAL("late")));
	assert_int_equal(0, crowd_leave(&crowd, &members[0], buffer));
}

/* The scheduler moves clients: whose they are follows from where they are found. */
static void clients_change_their_places(void **state)
{
	struct crowd_member members[2];
	struct crowd crowd;

	(void)state;
	two_begin(&crowd, members);
	for (unsigned int i = 0; i < 200; i++) {
		(void)crowd_hand_over(&crowd, &members[0], THEIRS, SPAN_LITERAL("request"));
		(void)crowd_hand_over(&crowd, &members[1], MINE, SPAN_LITERAL("request"));
		(void)crowd_take(&crowd, &members[0], buffer);
		(void)crowd_take(&crowd, &members[1], buffer);
	}
	assert_false(crowd_hand_over(&crowd, &members[0], THEIRS, SPAN_LITERAL("now mine")));
	assert_true(crowd_hand_over(&crowd, &members[0], MINE, SPAN_LITERAL("now theirs")));
	assert_int_equal(10, crowd_leave(&crowd, &members[1], buffer));
	assert_int_equal(0, crowd_leave(&crowd, &members[0], buffer));
}

/* More clients than CPUs: each seat has some, and some are nobody's. */
static void a_seat_may_have_several_clients(void **state)
{
	struct crowd_member members[2];
	struct crowd crowd;

	(void)state;
	crowd_or_skip(&crowd);
	crowd_begin(&crowd);
	for (unsigned int i = 0; i < 2; i++)
		assert_true(crowd_join(&crowd, &members[i]));
	for (uint32_t i = 0; i < 1200; i++) {
		uint32_t task = 1 + i % 4; /* 1 and 2 are beside the first, mostly */

		(void)crowd_hand_over(&crowd, &members[(task > 2) != (i % 7 == 0)], task,
				      SPAN_LITERAL("request"));
		for (uint32_t at = 0; at < 2 && i % 8 == 0; at++) /* 9 is found by both */
			(void)crowd_hand_over(&crowd, &members[at], 9, SPAN_LITERAL("request"));
		(void)crowd_take(&crowd, &members[0], buffer);
		(void)crowd_take(&crowd, &members[1], buffer);
	}
	for (uint32_t at = 0; at < 2; at++) {
		for (uint32_t task = 1; task <= 4; task++) {
			bool is_beside = (task > 2) == (at == 1);

			assert_int_equal(!is_beside, crowd_hand_over(&crowd, &members[at], task,
								     SPAN_LITERAL("request")));
			assert_int_equal(is_beside ? 0 : 7,
					 crowd_take(&crowd, &members[1 - at], buffer));
		}
		assert_false(crowd_hand_over(&crowd, &members[at], 9, SPAN_LITERAL("request")));
	}
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(0, crowd_leave(&crowd, &members[i], buffer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seats_are_taken_once),
		cmocka_unit_test(a_member_runs_on_the_cpu_of_its_seat),
		cmocka_unit_test(who_has_the_cpu_alone_ends_it),
		cmocka_unit_test(who_hardly_gets_the_cpu_ends_it),
		cmocka_unit_test(what_is_another_ones_is_handed_over),
		cmocka_unit_test(clients_change_their_places),
		cmocka_unit_test(a_seat_may_have_several_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
