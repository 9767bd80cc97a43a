/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * keeper.h - keep the few CPUs of a virtual machine from halting while requests come in a burst
 *
 * A request is two wake-ups: of the server, then of the client. On the CPU where both run, that is
 * a microsecond each. But the scheduler likes to wake a task on an idle CPU, and a virtual CPU that
 * has halted takes some 20 microseconds to come back, which is more than all the rest of a request
 * takes. So during a burst a thread of the class SCHED_IDLE spins on each CPU: it gets only time
 * that nobody wants, and gives way at once to anybody; and a CPU that does not look idle is not
 * where the client is sent. docs/decisions/0006 has the measurements.
 *
 * For small machines only: on one with many CPUs, nobody could keep all of them awake, nor should.
 */
#ifndef LAMINA_FUSE_KEEPER_H
#define LAMINA_FUSE_KEEPER_H

#include <stdint.h>

struct keepers;

/* Start the threads, asleep. *ret is NULL where they would be of no use: that is no error. */
int keepers_new(struct keepers **ret);
void keepers_free(struct keepers *keepers); /* NULL is fine */

/* Stay awake until then, in nanoseconds of CLOCK_MONOTONIC. NULL is fine. Any thread. */
void keepers_want(struct keepers *keepers, uint64_t until_ns);

#endif
