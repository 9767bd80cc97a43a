/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/steer.h"

#include <sched.h>

/*
 * Where server and client share a CPU, a request takes less than this. How much less depends on the
 * machine and on what the client does between requests (overlayfs: 5 to 10 us), so a trial that was
 * no good raises it; across CPUs that halt it is 40 us and more, which has to stay above.
 */
#define SLOW_NS 9000
#define SLOW_NS_MAX 20000

/* Faster than this, and the thread is kept where it is; it is let go when they are slower than
 * that, because on a busy machine a request takes so long that was sent to the wrong CPU.
 */
#define BURST_NS 200000
#define CALM_NS 2000000

/* Requests of a trial, after the first ones, which have the move itself in them. */
#define TRIAL_WINDOW 8
#define TRIAL_SKIP 2

#define BACKOFF_MAX 256 /* windows; a trial takes less than one */

/* So much slower than it was: something has changed, no need for patience. */
#define ALARM_FACTOR 3

/* A move has to be worth it: by a quarter at least. */
static bool is_better(uint64_t gap_ns, uint64_t before_ns)
{
	return gap_ns + gap_ns / 3 < before_ns;
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
	steer->gap_count = 0;
	steer->skip_count = TRIAL_SKIP;
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

static void trial_begin(struct steer *steer, uint64_t gap_ns)
{
	unsigned int distance = 1 + steer->next++ % (steer->cpu_count - 1);

	steer->is_trial = true;
	steer->origin = steer->at;
	steer->origin_gap_ns = gap_ns;
	steer_to(steer, (steer->at + distance) % steer->cpu_count);
}

/* As good as it gets here: no reason to try again. */
static uint64_t slow_beyond(uint64_t gap_ns)
{
	uint64_t slow_ns = gap_ns + gap_ns / 2;

	return slow_ns < SLOW_NS_MAX ? slow_ns : SLOW_NS_MAX;
}

static void trial_end(struct steer *steer, uint64_t gap_ns)
{
	steer->is_trial = false;
	if (is_better(gap_ns, steer->origin_gap_ns)) {
		steer->backoff = 1;
	} else {
		steer_to(steer, steer->origin);
		if (steer->slow_ns < slow_beyond(steer->origin_gap_ns))
			steer->slow_ns = slow_beyond(steer->origin_gap_ns);
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
	steer->is_trial = false;
	steer->last_ns = 0;
	steer->gap_count = 0;
	steer->skip_count = 0;
}

static void see_window(struct steer *steer, uint64_t gap_ns)
{
	if (steer->is_trial) {
		trial_end(steer, gap_ns);
		return;
	}
	if (!steer->is_pinned && gap_ns < BURST_NS)
		steer_begin(steer);
	if (gap_ns > CALM_NS)
		/* What else runs on that CPU is no business of a server that has time. */
		steer_end(steer);
	if (!steer->is_pinned)
		return;
	if (steer->usual_ns == 0 || gap_ns < steer->usual_ns)
		steer->usual_ns = gap_ns;
	if (steer->patience > 0 && gap_ns < ALARM_FACTOR * steer->usual_ns)
		steer->patience--;
	else if (gap_ns >= steer->slow_ns)
		trial_begin(steer, gap_ns);
}

/* Sorts, by insertion: there are few. */
static uint64_t median(uint64_t *gaps_ns, unsigned int count)
{
	for (unsigned int i = 1; i < count; i++) {
		uint64_t gap_ns = gaps_ns[i];
		unsigned int at = i;

		for (; at > 0 && gaps_ns[at - 1] > gap_ns; at--)
			gaps_ns[at] = gaps_ns[at - 1];
		gaps_ns[at] = gap_ns;
	}
	return gaps_ns[count / 2];
}

void steer_request(struct steer *steer, uint64_t now_ns)
{
	uint64_t gap_ns = now_ns - steer->last_ns;
	bool is_first = steer->last_ns == 0;
	unsigned int count;

	if (!steer_is_on(steer))
		return;
	steer->last_ns = now_ns;
	if (is_first)
		return;
	if (steer->skip_count > 0) {
		steer->skip_count--;
		return;
	}
	steer->gaps_ns[steer->gap_count++] = gap_ns;
	count = steer->is_trial ? TRIAL_WINDOW : STEER_WINDOW;
	if (steer->gap_count < count)
		return;
	steer->gap_count = 0;
	see_window(steer, median(steer->gaps_ns, count));
}
