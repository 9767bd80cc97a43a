/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/keeper.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fuse/cpus.h"
#include "fuse/pace.h"

#define NICE_MAX 19

#define NS_PER_SEC 1000000000ull

#define PAUSES_PER_LOOK 200 /* some microseconds */

/*
 * Off the CPU for longer than this, and somebody computes there: it does not halt without us. Those
 * we are there for take less at a time, or need no help.
 */
#define TAKEN_NS 1000000

/* How long to leave it to them: each time twice as long, until nobody has taken it for a while. */
#define REST_NS_MIN 10000000
#define REST_NS_MAX 640000000
#define ALONE_NS 20000000

struct keeper {
	struct keepers *keepers;
	pthread_t thread;
	atomic_bool is_asleep;
	int cpu;
	uint64_t rest_ns; /* its own */
};

struct keepers {
	enum keeper_class class;
	atomic_int busy_cpu;
	_Atomic uint64_t until_ns;
	_Atomic uint32_t call; /* the futex: changes when they shall wake up */
	atomic_bool is_ending;
	unsigned int count;
	struct keeper keepers[CPUS_FEW_MAX];
};

/* timeout_ns is a span; 0: none. */
static void futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
	const struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / NS_PER_SEC),
		.tv_nsec = (long)(timeout_ns % NS_PER_SEC),
	};

	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns ? &timeout : NULL,
		      NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void pause_some(void)
{
	for (int i = 0; i < PAUSES_PER_LOOK; i++) {
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#else
		atomic_signal_fence(memory_order_seq_cst);
#endif
	}
}

static int become(enum keeper_class class)
{
	const struct sched_param none = {0};

	if (class == KEEPER_IDLE)
		return sched_setscheduler(0, SCHED_IDLE, &none);
	return setpriority(PRIO_PROCESS, (id_t)gettid(), NICE_MAX);
}

static bool is_wanted(const struct keeper *keeper, uint64_t now_ns)
{
	const struct keepers *keepers = keeper->keepers;

	return now_ns < atomic_load(&keepers->until_ns) &&
	       atomic_load(&keepers->busy_cpu) != keeper->cpu;
}

/* Returns false when somebody else has taken the CPU. */
static bool spin(struct keeper *keeper)
{
	uint64_t begin_ns = pace_now_ns(), now_ns = begin_ns;

	while (is_wanted(keeper, now_ns)) {
		uint64_t last_ns = now_ns;

		pause_some();
		now_ns = pace_now_ns();
		if (now_ns - last_ns > TAKEN_NS)
			return false;
		if (now_ns - begin_ns > ALONE_NS)
			keeper->rest_ns = 0;
	}
	return true;
}

static void rest(struct keeper *keeper)
{
	struct keepers *keepers = keeper->keepers;
	uint64_t now_ns = pace_now_ns(), end_ns;

	keeper->rest_ns = keeper->rest_ns ? keeper->rest_ns * 2 : REST_NS_MIN;
	if (keeper->rest_ns > REST_NS_MAX)
		keeper->rest_ns = REST_NS_MAX;
	end_ns = now_ns + keeper->rest_ns;
	while (now_ns < end_ns) {
		uint32_t call = atomic_load(&keepers->call);

		if (atomic_load(&keepers->is_ending))
			return;
		futex_wait(&keepers->call, call, end_ns - now_ns);
		now_ns = pace_now_ns();
	}
}

static void *keeper_run(void *argument)
{
	struct keeper *keeper = argument;
	struct keepers *keepers = keeper->keepers;

	/* Else it would compete with those it is there for. */
	if (become(keepers->class) < 0)
		return NULL;
	cpu_pin(keeper->cpu);
	while (!atomic_load(&keepers->is_ending)) {
		uint32_t call;

		while (!spin(keeper))
			rest(keeper);
		call = atomic_load(&keepers->call);
		/* Said before the last look: who wants us after that look sees it, and calls. */
		atomic_store(&keeper->is_asleep, true);
		if (!is_wanted(keeper, pace_now_ns()) && !atomic_load(&keepers->is_ending))
			futex_wait(&keepers->call, call, 0);
		atomic_store(&keeper->is_asleep, false);
	}
	return NULL;
}

void keepers_want(struct keepers *keepers, uint64_t until_ns, int busy_cpu)
{
	if (!keepers)
		return;
	atomic_store(&keepers->busy_cpu, busy_cpu);
	atomic_store(&keepers->until_ns, until_ns);
	for (unsigned int i = 0; i < keepers->count; i++) {
		struct keeper *keeper = &keepers->keepers[i];

		if (keeper->cpu != busy_cpu && atomic_load(&keeper->is_asleep)) {
			atomic_fetch_add(&keepers->call, 1);
			futex_wake(&keepers->call);
			return;
		}
	}
}

void keepers_free(struct keepers *keepers)
{
	if (!keepers)
		return;
	atomic_store(&keepers->is_ending, true);
	atomic_store(&keepers->until_ns, (uint64_t)0);
	atomic_fetch_add(&keepers->call, 1);
	futex_wake(&keepers->call);
	for (unsigned int i = 0; i < keepers->count; i++)
		(void)pthread_join(keepers->keepers[i].thread, NULL);
	free(keepers);
}

int keepers_new(enum keeper_class class, struct keepers **ret)
{
	int cpus[CPUS_FEW_MAX];
	unsigned int count = cpus_if_few(cpus);
	struct keepers *keepers;

	*ret = NULL;
	if (count == 0)
		return 0;
	keepers = calloc(1, sizeof(*keepers));
	if (!keepers)
		return -ENOMEM;
	keepers->class = class;
	atomic_store(&keepers->busy_cpu, -1);
	for (unsigned int i = 0; i < count; i++) {
		struct keeper *keeper = &keepers->keepers[i];

		keeper->keepers = keepers;
		keeper->cpu = cpus[i];
		if (pthread_create(&keeper->thread, NULL, keeper_run, keeper))
			break;
		keepers->count++;
	}
	*ret = keepers;
	return 0;
}
