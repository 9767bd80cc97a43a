/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/crowd.h"

#include <sched.h>
#include <time.h>

/* More than this of the time, and there is no client on the CPU. */
#define ALONE_PERCENT 93

/* A nap takes some 80 us, with the slack that timers have. */
#define NAP_NS 30000
#define NAPS_MAX 10

void crowd_init(struct crowd *crowd)
{
	crowd->seat_count = cpus_if_few(crowd->cpus);
}

void crowd_begin(struct crowd *crowd)
{
	atomic_store(&crowd->taken, 0);
	atomic_store(&crowd->is_on, true);
}

void crowd_end(struct crowd *crowd)
{
	atomic_store(&crowd->is_on, false);
}

bool crowd_join(struct crowd *crowd)
{
	unsigned int seat;

	if (!atomic_load(&crowd->is_on))
		return false;
	seat = atomic_fetch_add(&crowd->taken, 1);
	if (seat >= crowd->seat_count)
		return false;
	atomic_fetch_add(&crowd->members, 1);
	cpu_pin(crowd->cpus[seat]);
	return true;
}

void crowd_leave(struct crowd *crowd)
{
	cpus_release(crowd->cpus, crowd->seat_count);
	atomic_fetch_sub(&crowd->members, 1);
}

bool crowd_is_complete(const struct crowd *crowd)
{
	return atomic_load(&crowd->members) >= crowd->seat_count;
}

static void nap(struct crowd *crowd, struct crowd_member *member)
{
	const struct timespec time = {.tv_nsec = NAP_NS};

	if (++member->nap_count > NAPS_MAX) {
		crowd_end(crowd);
		return;
	}
	(void)nanosleep(&time, NULL);
	pace_begin(&member->pace);
}

void crowd_window(struct crowd *crowd, struct crowd_member *member,
		  const struct pace_window *window)
{
	if (window->busy_percent > ALONE_PERCENT)
		nap(crowd, member);
	else
		member->nap_count = 0;
	if (!window->is_burst)
		crowd_end(crowd);
}

void crowd_polled(struct crowd *crowd, struct crowd_member *member, bool has_found)
{
	struct pace_window window;

	if (!has_found)
		(void)sched_yield();
	if (pace_count(&member->pace, 1, &window))
		crowd_window(crowd, member, &window);
}
