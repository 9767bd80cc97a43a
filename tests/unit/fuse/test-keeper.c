/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * That they come, and go when told, whatever they are at. What they are good for is measured.
 */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "fuse/cpus.h"
#include "fuse/keeper.h"
#include "fuse/pace.h"

#define FOREVER_NS (1ull << 62)

static uint64_t processor_ns(void)
{
	struct timespec used;

	assert_int_equal(0, clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used));
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static void need_keepers(struct keepers *keepers)
{
	need("cpus", keepers, "needs 2 to 4 CPUs");
}

static void they_spin_when_wanted_and_end_when_freed(void **state)
{
	const enum keeper_class classes[] = {KEEPER_IDLE, KEEPER_NICE};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct keepers *keepers;
		uint64_t begin = processor_ns();

		assert_int_equal(0, keepers_new(classes[i], &keepers));
		need_keepers(keepers);
		keepers_want(keepers, FOREVER_NS, -1);
		/* However busy the machine is, some time is left over. */
		while (processor_ns() - begin < 2000000)
			(void)usleep(1000);
		keepers_free(keepers);
	}
}

static void they_sleep_again(void **state)
{
	struct keepers *keepers;
	uint64_t used;
	int quiet = 0;

	(void)state;
	assert_int_equal(0, keepers_new(KEEPER_NICE, &keepers));
	need_keepers(keepers);
	keepers_want(keepers, pace_now_ns() + 1000000, -1);
	/* Twenty looks in which nothing was used: this never ends if they go on. */
	while (quiet < 20) {
		used = processor_ns();
		(void)usleep(2000);
		quiet = processor_ns() - used < 500000 ? quiet + 1 : 0;
	}
	keepers_free(keepers);
}

static atomic_bool stop;

static void *compute(void *cpu)
{
	cpu_pin(*(const int *)cpu);
	/* As nice as the keepers are, who would get half of the time if they never rested. */
	assert_int_equal(0, setpriority(PRIO_PROCESS, (id_t)gettid(), 19));
	while (!atomic_load(&stop))
		continue;
	return NULL;
}

/*
 * Threads that compute get two thirds of the time at least, though the keepers never stop being
 * wanted, and the end does not wait for their rest.
 */
static void they_rest_where_others_compute(void **state)
{
	pthread_t threads[CPUS_FEW_MAX];
	clockid_t clocks[CPUS_FEW_MAX];
	int cpus[CPUS_FEW_MAX];
	unsigned int count = cpus_if_few(cpus);
	struct keepers *keepers;
	uint64_t begin, theirs = 0;

	(void)state;
	assert_int_equal(0, keepers_new(KEEPER_NICE, &keepers));
	need_keepers(keepers);
	begin = processor_ns();
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(0, pthread_create(&threads[i], NULL, compute, &cpus[i]));
		assert_int_equal(0, pthread_getcpuclockid(threads[i], &clocks[i]));
	}
	keepers_want(keepers, FOREVER_NS, -1);
	while (processor_ns() - begin < 500000000)
		(void)usleep(10000);
	for (unsigned int i = 0; i < count; i++) {
		struct timespec used;

		assert_int_equal(0, clock_gettime(clocks[i], &used));
		theirs += (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
	}
	assert_true(theirs >= (processor_ns() - begin) / 3 * 2);
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(0, pthread_join(threads[i], NULL));
	keepers_free(keepers);
}

static void none_is_fine(void **state)
{
	(void)state;
	keepers_want(NULL, FOREVER_NS, 0);
	keepers_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_spin_when_wanted_and_end_when_freed),
		cmocka_unit_test(they_sleep_again),
		cmocka_unit_test(they_rest_where_others_compute),
		cmocka_unit_test(none_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
