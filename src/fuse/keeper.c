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
#include <unistd.h>

#include "base/cleanup.h"
#include "fuse/cpus.h"
#include "fuse/pace.h"

#define NICE_MAX 19

#define PAUSES_PER_LOOK 200 /* some microseconds */

struct keeper {
	struct keepers *keepers;
	pthread_t thread;
	atomic_bool is_asleep;
	int cpu;
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

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
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

static bool is_wanted(const struct keeper *keeper)
{
	const struct keepers *keepers = keeper->keepers;

	return pace_now_ns() < atomic_load(&keepers->until_ns) &&
	       atomic_load(&keepers->busy_cpu) != keeper->cpu;
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

		while (is_wanted(keeper))
			pause_some();
		call = atomic_load(&keepers->call);
		/* Said before the last look: who wants us after that look sees it, and calls. */
		atomic_store(&keeper->is_asleep, true);
		if (!is_wanted(keeper) && !atomic_load(&keepers->is_ending))
			futex_wait(&keepers->call, call);
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
