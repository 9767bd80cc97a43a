/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/steer.h"

#include <sched.h>

#include "fuse/cpus.h"

/*
 * Where server and client share a CPU, a request takes less than this. How much less depends on the
 * machine and on what the client does between requests (overlayfs: 5 to 10 us), so a trial that was
 * no good raises it; across CPUs that halt it is 40 us and more, which has to stay above.
 */
#define SLOW_NS 9000
#define SLOW_NS_MAX 20000

#define TRIAL_WINDOWS 2
#define BACKOFF_MAX 64 /* windows; a trial takes two */

/* So much slower than it was: something has changed, no need for patience. */
#define ALARM_FACTOR 3

/* A move has to be worth it: by a quarter at least. */
static bool is_better(uint64_t period_ns, uint64_t before_ns)
{
	return period_ns + period_ns / 3 < before_ns;
}

void steer_init(struct steer *steer)
{
	*steer = (struct steer){.backoff = 1, .slow_ns = SLOW_NS};
	steer->cpu_count = cpus_if_few(steer->cpus);
}

static void steer_to(struct steer *steer, unsigned int at)
{
	steer->at = at;
	steer->is_pinned = true;
	cpu_pin(steer->cpus[at]);
}

int steer_cpu(const struct steer *steer)
{
	return steer->is_pinned ? steer->cpus[steer->at] : -1;
}

/* A burst begins: stay where we are, which may be the right place. */
static void steer_begin(struct steer *steer)
{
	int cpu = sched_getcpu();

	steer->backoff = 1;
	steer->patience = 1;
	steer->usual_ns = 0;
	for (unsigned int i = 0; i < steer->cpu_count; i++) {
		if (steer->cpus[i] == cpu)
			steer_to(steer, i);
	}
}

/* As good as it gets here: no reason to try again. */
static uint64_t slow_beyond(uint64_t period_ns)
{
	uint64_t slow_ns = period_ns + period_ns / 2;

	return slow_ns < SLOW_NS_MAX ? slow_ns : SLOW_NS_MAX;
}

static void trial_end(struct steer *steer, const struct pace_window *window)
{
	if (is_better(window->period_ns, steer->origin_period_ns)) {
		steer->backoff = 1;
	} else {
		steer_to(steer, steer->origin);
		if (steer->slow_ns < slow_beyond(steer->origin_period_ns))
			steer->slow_ns = slow_beyond(steer->origin_period_ns);
		steer->backoff = steer->backoff < BACKOFF_MAX ? steer->backoff * 2 : BACKOFF_MAX;
	}
	steer->patience = steer->backoff;
	steer->usual_ns = 0;
}

void steer_end(struct steer *steer)
{
	if (steer->is_pinned)
		cpus_release(steer->cpus, steer->cpu_count);
	steer->is_pinned = false;
	steer->trial_windows = 0;
}

void steer_window(struct steer *steer, const struct pace_window *window)
{
	if (steer->cpu_count == 0)
		return;
	if (!window->is_burst) {
		/* What else runs on that CPU is no business of a server that has time. */
		steer_end(steer);
		return;
	}
	if (!steer->is_pinned)
		steer_begin(steer);
	if (steer->trial_windows > 0) {
		/* The first one has the move itself in it. */
		if (--steer->trial_windows == 0)
			trial_end(steer, window);
		return;
	}
	if (steer->usual_ns == 0 || window->period_ns < steer->usual_ns)
		steer->usual_ns = window->period_ns;
	if (steer->patience > 0 && window->period_ns < ALARM_FACTOR * steer->usual_ns) {
		steer->patience--;
		return;
	}
	if (window->period_ns < steer->slow_ns)
		return;
	steer->trial_windows = TRIAL_WINDOWS;
	steer->origin = steer->at;
	steer->origin_period_ns = window->period_ns;
	steer_to(steer, (steer->at + 1) % steer->cpu_count);
}
