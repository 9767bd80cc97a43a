/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/pace.h"

#include <time.h>

#define NS_PER_SEC 1000000000ull

/* Of the time between two looks at the clock; the rest is what the scheduler takes. */
#define SATURATED_PERCENT 85

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t pace_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void pace_begin(struct pace *pace)
{
	*pace = (struct pace){
		.begin_ns = clock_ns(CLOCK_MONOTONIC),
		.begin_busy_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID),
	};
}

bool pace_count(struct pace *pace, uint32_t requests, struct pace_window *ret)
{
	struct pace_window window;
	uint64_t busy_ns, elapsed_ns, percent;

	pace->count += requests;
	if (pace->count < PACE_WINDOW)
		return false;
	window.now_ns = clock_ns(CLOCK_MONOTONIC);
	busy_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	elapsed_ns = window.now_ns - pace->begin_ns;
	window.period_ns = elapsed_ns / pace->count;
	window.is_burst = window.period_ns < PACE_BURST_NS;
	percent = (busy_ns - pace->begin_busy_ns) * 100 / (elapsed_ns > 0 ? elapsed_ns : 1);
	window.busy_percent = percent < 100 ? (unsigned int)percent : 100;
	window.is_saturated = window.is_burst && window.busy_percent > SATURATED_PERCENT;
	*pace = (struct pace){.begin_ns = window.now_ns, .begin_busy_ns = busy_ns};
	*ret = window;
	return true;
}
