/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/steer.h"

#include "fuse/cpus.h"

/* Where server and client share a CPU, a request takes less than this. */
#define SLOW_NS 9000

#define TRIAL_WINDOWS 2
#define BACKOFF_MAX 16 /* windows; a trial takes two */

/* A move has to be worth it: by a quarter at least. */
static bool is_better(uint64_t period_ns, uint64_t before_ns)
{
	return period_ns + period_ns / 3 < before_ns;
}

void steer_init(struct steer *steer)
{
	*steer = (struct steer){.backoff = 1};
	steer->cpu_count = cpus_usable(steer->cpus, STEER_CPUS_MAX + 1);
	if (steer->cpu_count < 2 || steer->cpu_count > STEER_CPUS_MAX)
		steer->cpu_count = 0;
}

static void steer_to(struct steer *steer, unsigned int at)
{
	steer->at = at;
	steer->is_pinned = true;
	cpu_pin(steer->cpus[at]);
}

static void trial_end(struct steer *steer, const struct pace_window *window)
{
	if (is_better(window->period_ns, steer->origin_period_ns)) {
		steer->backoff = 1;
	} else {
		steer_to(steer, steer->origin);
		steer->backoff = steer->backoff < BACKOFF_MAX ? steer->backoff * 2 : BACKOFF_MAX;
	}
	steer->patience = steer->backoff;
}

void steer_window(struct steer *steer, const struct pace_window *window)
{
	if (steer->cpu_count == 0)
		return;
	if (!window->is_burst) {
		/* What else runs on that CPU is no business of a server that has time. */
		if (steer->is_pinned)
			cpus_release(steer->cpus, steer->cpu_count);
		steer->is_pinned = false;
		steer->trial_windows = 0;
		return;
	}
	if (steer->trial_windows > 0) {
		/* The first one has the move itself in it. */
		if (--steer->trial_windows == 0)
			trial_end(steer, window);
		return;
	}
	if (steer->patience > 0) {
		steer->patience--;
		return;
	}
	if (window->period_ns < SLOW_NS)
		return;
	steer->trial_windows = TRIAL_WINDOWS;
	steer->origin = steer->at;
	steer->origin_period_ns = window->period_ns;
	steer_to(steer, (steer->at + 1) % steer->cpu_count);
}
