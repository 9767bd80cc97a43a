/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * crowd.h - threads of /dev/fuse that poll, one on each CPU, while all CPUs have clients
 *
 * The kernel wakes the threads that wait in read(2) in turn, wherever they are. With a client on
 * each CPU that is the wrong one every other time, and each reply then goes to another CPU. A
 * thread that does not wait, but asks again each time its CPU has nothing else to do, finds what
 * the client beside it has just asked. So as long as there are as many clients as CPUs, threads
 * poll; it ends as soon as one of them has nobody beside it. docs/decisions/0006 has the
 * measurements.
 *
 * There is one queue for all, so a poll may find what the client of another CPU has asked. To
 * answer it would wake that client from afar, and perhaps bring it over here, where it is one too
 * many. So members know each other's clients, and hand over what is not theirs.
 *
 * Any thread, but for init and begin: the first one's.
 */
#ifndef LAMINA_FUSE_CROWD_H
#define LAMINA_FUSE_CROWD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuse/cpus.h"
#include "fuse/mailbox.h"
#include "fuse/pace.h"
#include "fuse/regulars.h"

struct crowd_seat {
	struct mailbox mailbox;
	struct regulars regulars; /* who asks on this CPU */
};

struct crowd {
	atomic_bool is_on;
	atomic_uint taken;       /* seats, of this time */
	atomic_uint members;     /* threads that poll */
	unsigned int seat_count; /* one for each CPU; 0: none of this. Immutable, as the next */
	int cpus[CPUS_FEW_MAX];
	struct crowd_seat seats[CPUS_FEW_MAX];
};

/* A thread that has a seat, and what it has seen. */
struct crowd_member {
	unsigned int seat;
	struct pace pace;       /* of its polls */
	unsigned int nap_count; /* in a row */
};

/* With the CPUs of the calling thread, if they are few. */
void crowd_init(struct crowd *crowd);

/* From now on threads may join: to be called as soon as there are seat_count of them. */
void crowd_begin(struct crowd *crowd);
void crowd_end(struct crowd *crowd);

/* Take a seat and run on its CPU. False where there is no crowd, or no seat left. */
bool crowd_join(struct crowd *crowd, struct crowd_member *ret);

/*
 * Copies a request that others have handed over since the last look to buffer[MAILBOX_SIZE_MAX],
 * and gives its size: the member has to answer it. 0: none.
 */
size_t crowd_leave(struct crowd *crowd, const struct crowd_member *member, uint8_t *buffer);
size_t crowd_take(struct crowd *crowd, const struct crowd_member *member, uint8_t *buffer);

/* Hand over a request that task has made and this member's poll has found, if it is another one's.
 */
bool crowd_hand_over(struct crowd *crowd, struct crowd_member *member, uint32_t task,
		     struct span request);

static inline bool crowd_is_on(const struct crowd *crowd)
{
	return atomic_load_explicit(&crowd->is_on, memory_order_relaxed);
}

bool crowd_is_complete(const struct crowd *crowd);

/* After each poll: lets others have the CPU when it has found nothing, looks at each window. */
void crowd_polled(struct crowd *crowd, struct crowd_member *member, bool has_found);

/*
 * A member that has the CPU for itself sleeps a bit, because that is what sends a client there; in
 * the end, or when the CPU has work that is not a client's, it ends the crowd.
 */
void crowd_window(struct crowd *crowd, struct crowd_member *member,
		  const struct pace_window *window);

#endif
