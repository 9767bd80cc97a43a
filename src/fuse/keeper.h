/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * keeper.h - keep the few CPUs of a virtual machine from halting while requests come in a burst
 *
 * A request is two wake-ups: of the server, then of the client. On the CPU where both run, that is
 * a microsecond each. But the scheduler likes to wake a task on an idle CPU, and a virtual CPU that
 * has halted takes some 20 microseconds to come back, which is more than all the rest of a request
 * takes. So during a burst a thread spins on each CPU that has no other work: a CPU that does not
 * look idle is not where the client is sent. docs/decisions/0006 has the measurements.
 *
 * For small machines only: on one with many CPUs, nobody could keep all of them awake, nor should.
 */
#ifndef LAMINA_FUSE_KEEPER_H
#define LAMINA_FUSE_KEEPER_H

#include <stdint.h>

enum keeper_class {
	/*
	 * SCHED_IDLE: only time that nobody wants, and gives way at once. Right where a thread
	 * answers on each CPU.
	 */
	KEEPER_IDLE,
	/*
	 * Nice 19, some hundredths of the time where others want it, too: the scheduler sends tasks
	 * to a CPU that has nothing but SCHED_IDLE. Right where one thread answers all.
	 */
	KEEPER_NICE,
};

struct keepers;

/* Start the threads, asleep. *ret is NULL where they would be of no use: that is no error. */
int keepers_new(enum keeper_class class, struct keepers **ret);
void keepers_free(struct keepers *keepers); /* NULL is fine */

/*
 * Stay awake until then, in nanoseconds of CLOCK_MONOTONIC, on all CPUs but one, which is busy
 * anyway; -1: on all. NULL is fine. Any thread.
 */
void keepers_want(struct keepers *keepers, uint64_t until_ns, int busy_cpu);

#endif
