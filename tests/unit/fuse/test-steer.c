/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Windows as a client would make them that stays on one CPU: fast there, slow elsewhere.
 */
#include "check.h"

#include <sched.h>

#include "fuse/cpus.h"
#include "fuse/pace.h"
#include "fuse/steer.h"

#define FAST_NS 5000
#define STEADY_NS 11000
#define SLOW_NS 40000

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

static void window(uint64_t period_ns)
{
	struct pace_window made = {.period_ns = period_ns, .is_burst = period_ns < PACE_BURST_NS};

	steer_window(&steer, &made);
}

static void client_on(int cpu, int windows)
{
	for (int i = 0; i < windows; i++)
		window(steer_cpu(&steer) == cpu ? FAST_NS : SLOW_NS);
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
	for (int i = 0; i < 2000; i++) {
		window(SLOW_NS);
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
	for (int i = 0; i < 2000; i++) {
		int before = steer_cpu(&steer);

		window(before == home ? STEADY_NS : SLOW_NS);
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
	window(PACE_BURST_NS + 1);
	assert_int_equal(-1, steer_cpu(&steer));
	assert_int_equal(cpu_count, cpus_usable(now, CPUS_FEW_MAX + 1));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(follows_the_client_to_its_cpu),
		TEST(seldom_tries_where_no_cpu_is_better),
		TEST(learns_how_fast_the_machine_is),
		TEST(lets_go_when_the_burst_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
