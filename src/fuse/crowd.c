/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/crowd.h"

#include <sched.h>
#include <time.h>

/* More than this of the time, and there is no client on the CPU. */
#define ALONE_PERCENT 93

/* A nap takes some 80 us, with the slack that timers have. */
#define NAP_NS 30000
#define NAPS_MAX 40

/* By how many more requests, and half as many again, one seat has to be a task's rather than
 * another. */
#define HOME_COUNT_MIN 8

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

bool crowd_join(struct crowd *crowd, struct crowd_member *ret)
{
	unsigned int seat;

	if (!atomic_load(&crowd->is_on))
		return false;
	seat = atomic_fetch_add(&crowd->taken, 1);
	if (seat >= crowd->seat_count)
		return false;
	*ret = (struct crowd_member){.seat = seat};
	regulars_clear(&crowd->seats[seat].regulars);
	mailbox_open(&crowd->seats[seat].mailbox);
	atomic_fetch_add(&crowd->members, 1);
	cpu_pin(crowd->cpus[seat]);
	pace_begin(&ret->pace);
	return true;
}

size_t crowd_leave(struct crowd *crowd, const struct crowd_member *member, uint8_t *buffer)
{
	struct crowd_seat *seat = &crowd->seats[member->seat];
	size_t size;

	regulars_clear(&seat->regulars);
	size = mailbox_close(&seat->mailbox, buffer);
	cpus_release(crowd->cpus, crowd->seat_count);
	atomic_fetch_sub(&crowd->members, 1);
	return size;
}

size_t crowd_take(struct crowd *crowd, const struct crowd_member *member, uint8_t *buffer)
{
	return mailbox_take(&crowd->seats[member->seat].mailbox, buffer);
}

bool crowd_hand_over(struct crowd *crowd, struct crowd_member *member, uint32_t task,
		     struct span request)
{
	struct crowd_seat *mine = &crowd->seats[member->seat];
	uint32_t least;

	regulars_see(&mine->regulars, task);
	if (task == 0)
		return false;
	least = regulars_count(&mine->regulars, task) * 3 / 2 + HOME_COUNT_MIN;
	for (unsigned int i = 0; i < crowd->seat_count; i++) {
		struct crowd_seat *seat = &crowd->seats[i];

		if (seat != mine && regulars_count(&seat->regulars, task) > least)
			return mailbox_put(&seat->mailbox, request);
	}
	return false;
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
