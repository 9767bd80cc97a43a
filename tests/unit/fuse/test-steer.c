/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Requests as a client would make them that stays on one CPU: fast there, slow elsewhere.
 */
#include "check.h"

#include <sched.h>

#include "fuse/cpus.h"
#include "fuse/steer.h"

#define FAST_NS 5000
#define STEADY_NS 11000
#define SLOW_NS 40000
#define STALL_NS 3000000 /* somebody else's turn */

static struct steer steer;
static int cpus[CPUS_FEW_MAX + 1];
static unsigned int cpu_count;

static int set_up(void **state)
{
	(void)state;
	cpu_count = cpus_usable(cpus, CPUS_FEW_MAX + 1);
	steer_init(&steer);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cpus_release(cpus, cpu_count);
	return 0;
}

static void need_cpus(void)
{
	need("cpus", cpu_count >= 2 && cpu_count <= CPUS_FEW_MAX, "needs 2 to 4 CPUs");
}

static void request(uint64_t gap_ns)
{
	static uint64_t now_ns = 1;

	now_ns += gap_ns;
	steer_request(&steer, now_ns);
}

/* Enough for a window, whatever is skipped: the first has none before it, others a move. */
static void window(uint64_t gap_ns)
{
	for (unsigned int i = 0; i < STEER_WINDOW + 4; i++)
		request(gap_ns);
}

static void client_on(int cpu, int windows)
{
	for (unsigned int i = 0; i < (unsigned int)windows * STEER_WINDOW; i++)
		request(steer_cpu(&steer) == cpu ? FAST_NS : SLOW_NS);
}

static void follows_the_client_to_its_cpu(void **state)
{
	(void)state;
	need_cpus();
	for (unsigned int i = 0; i < cpu_count; i++) {
		client_on(cpus[i], 40);
		assert_int_equal(cpus[i], steer_cpu(&steer));
		assert_int_equal(cpus[i], sched_getcpu());
		client_on(cpus[i], 100);
		assert_int_equal(cpus[i], steer_cpu(&steer)); /* and stays */
	}
}

static void seldom_tries_where_no_cpu_is_better(void **state)
{
	unsigned int moves = 0;
	int before;

	(void)state;
	need_cpus();
	window(SLOW_NS);
	before = steer_cpu(&steer);
	for (int i = 0; i < 2000 * STEER_WINDOW; i++) {
		request(SLOW_NS);
		moves += steer_cpu(&steer) != before;
		before = steer_cpu(&steer);
	}
	assert_true(moves > 0);
	assert_true(moves < 2000 / 10);
}

/* Where a request takes that long on the client's CPU, too, one look at the others is enough. */
static void learns_how_fast_the_machine_is(void **state)
{
	unsigned int moves = 0;
	int home;

	(void)state;
	need_cpus();
	window(FAST_NS);
	home = steer_cpu(&steer);
	for (int i = 0; i < 2000 * STEER_WINDOW; i++) {
		int before = steer_cpu(&steer);

		request(before == home ? STEADY_NS : SLOW_NS);
		moves += steer_cpu(&steer) != before;
	}
	assert_int_equal(home, steer_cpu(&steer));
	assert_in_range(moves, 2, 2 * CPUS_FEW_MAX);
	/* The client may still move away, and is followed. */
	client_on(cpus[cpus[0] == home], 100);
	assert_int_equal(cpus[cpus[0] == home], steer_cpu(&steer));
}

static void lets_go_when_the_burst_is_over(void **state)
{
	int now[CPUS_FEW_MAX + 1];

	(void)state;
	need_cpus();
	window(FAST_NS);
	assert_true(steer_cpu(&steer) >= 0);
	assert_int_equal(1, cpus_usable(now, CPUS_FEW_MAX + 1));
	window(STALL_NS);
	assert_int_equal(-1, steer_cpu(&steer));
	assert_int_equal(cpu_count, cpus_usable(now, CPUS_FEW_MAX + 1));
}

/* On a busy machine, where who runs beside the client gets a share of its CPU. */
static void stays_though_others_have_their_turn(void **state)
{
	int home;

	(void)state;
	need_cpus();
	window(FAST_NS);
	home = steer_cpu(&steer);
	for (int i = 0; i < 2000 * STEER_WINDOW; i++) {
		request(i % STEER_WINDOW < 3 ? STALL_NS : FAST_NS);
		assert_int_equal(home, steer_cpu(&steer));
	}
}

/* And on another CPU each request waits until it is our turn. */
static void soon_follows_on_a_busy_machine(void **state)
{
	unsigned int wrong = 0;

	(void)state;
	need_cpus();
	window(FAST_NS);
	for (int move = 0; move < 100; move++) {
		int home = cpus[(unsigned int)move % cpu_count];

		for (int i = 0; i < 10 * STEER_WINDOW; i++) {
			wrong += steer_cpu(&steer) != home;
			request(steer_cpu(&steer) == home ? FAST_NS : STALL_NS / 6);
		}
		assert_int_equal(home, steer_cpu(&steer));
	}
	assert_true(wrong <= 100 * 3 * STEER_WINDOW * (cpu_count - 1));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(follows_the_client_to_its_cpu),
		TEST(seldom_tries_where_no_cpu_is_better),
		TEST(learns_how_fast_the_machine_is),
		TEST(lets_go_when_the_burst_is_over),
		TEST(stays_though_others_have_their_turn),
		TEST(soon_follows_on_a_busy_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
