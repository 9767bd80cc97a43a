/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * steer.h - find the CPU that requests come from, by trying
 *
 * /dev/fuse does not say on which CPU a request was made, and a reply to another CPU costs several
 * times one to the own. So when requests come in a burst, but slowly, the thread that answers them
 * moves to another CPU, and back when that was no better. For few CPUs only. Owned by one thread.
 */
#ifndef LAMINA_FUSE_STEER_H
#define LAMINA_FUSE_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "fuse/cpus.h"
#include "fuse/pace.h"

struct steer {
	int cpus[CPUS_FEW_MAX];
	unsigned int cpu_count; /* 0: none of this */
	unsigned int at;        /* the index of the CPU we are on */
	bool is_pinned;
	unsigned int trial_windows; /* left of a trial */
	unsigned int origin;        /* of the trial */
	uint64_t origin_period_ns;
	uint64_t slow_ns;  /* a request that takes longer may come from another CPU */
	uint64_t usual_ns; /* the best period since the last trial; 0: not known */
	uint32_t patience; /* windows until the next trial */
	uint32_t backoff;  /* windows to wait after a trial that was no good */
};

void steer_init(struct steer *steer);

/* Look at a window, perhaps move the calling thread. */
void steer_window(struct steer *steer, const struct pace_window *window);

/* Let the thread go where it likes again. */
void steer_end(struct steer *steer);

/* The CPU the thread is kept on, or -1. */
int steer_cpu(const struct steer *steer);

#endif
