/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/crowd.h"

#include <sched.h>
#include <time.h>

/* More than this of the time, and there is no client on the CPU. */
#define ALONE_PERCENT 93

/* A nap takes some 80 us, with the slack that timers have. */
#define NAP_NS 30000
#define NAPS_MAX 40

/* Requests until it is said whose client is here, and by how many more those of one have to be. */
#define CLIENT_WINDOW 64
#define CLIENT_VOTES 16

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
	atomic_store(&crowd->seats[seat].client, 0);
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

	atomic_store(&seat->client, 0);
	size = mailbox_close(&seat->mailbox, buffer);
	cpus_release(crowd->cpus, crowd->seat_count);
	atomic_fetch_sub(&crowd->members, 1);
	return size;
}

size_t crowd_take(struct crowd *crowd, const struct crowd_member *member, uint8_t *buffer)
{
	return mailbox_take(&crowd->seats[member->seat].mailbox, buffer);
}

/* What polls find here is mostly what was asked here. */
static void see_client(struct crowd_seat *seat, struct crowd_member *member, uint32_t task)
{
	if (member->votes == 0)
		member->candidate = task;
	if (member->candidate == task)
		member->votes++;
	else
		member->votes--;
	if (++member->vote_count < CLIENT_WINDOW)
		return;
	atomic_store_explicit(&seat->client, member->votes >= CLIENT_VOTES ? member->candidate : 0,
			      memory_order_relaxed);
	member->votes = member->vote_count = 0;
}

bool crowd_hand_over(struct crowd *crowd, struct crowd_member *member, uint32_t task,
		     struct span request)
{
	struct crowd_seat *mine = &crowd->seats[member->seat];

	see_client(mine, member, task);
	if (task == 0 || atomic_load_explicit(&mine->client, memory_order_relaxed) == task)
		return false;
	for (unsigned int i = 0; i < crowd->seat_count; i++) {
		struct crowd_seat *seat = &crowd->seats[i];

		if (seat != mine &&
		    atomic_load_explicit(&seat->client, memory_order_relaxed) == task)
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
