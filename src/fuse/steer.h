/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * steer.h - find the CPU that requests come from, by trying
 *
 * /dev/fuse does not say on which CPU a request was made, and a reply to another CPU costs several
 * times one to the own. So when requests come in a burst, but slowly, the thread that answers them
 * moves to another CPU, and back when that was no better. For few CPUs only.
 *
 * What counts is the median of the times between requests, over few of them. On a busy machine the
 * mean says nothing: others get their share of the right CPU as well, milliseconds at a time, and a
 * look at the wrong one costs each request that it takes a wait for what runs there.
 *
 * Owned by one thread.
 */
#ifndef LAMINA_FUSE_STEER_H
#define LAMINA_FUSE_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "fuse/cpus.h"

#define STEER_WINDOW 16 /* requests */

struct steer {
	int cpus[CPUS_FEW_MAX];
	unsigned int cpu_count; /* 0: none of this */
	unsigned int at;        /* the index of the CPU we are on */
	bool is_pinned;
	bool is_trial;
	unsigned int origin; /* of the trial */
	unsigned int next;   /* how far from the origin the next trial goes, less one */
	uint64_t origin_gap_ns;
	uint64_t slow_ns;  /* a request that takes longer may come from another CPU */
	uint64_t usual_ns; /* the best window since the last trial; 0: not known */
	uint32_t patience; /* windows until the next trial */
	uint32_t backoff;  /* windows to wait after a trial that was no good */

	uint64_t last_ns; /* when the last request came; 0: not known */
	unsigned int skip_count;
	unsigned int gap_count;
	uint64_t gaps_ns[STEER_WINDOW];
};

void steer_init(struct steer *steer);

/* Whether it has any use here; else nobody need tell it of requests. */
static inline bool steer_is_on(const struct steer *steer)
{
	return steer->cpu_count > 0;
}

/* A request came at now_ns, of CLOCK_MONOTONIC; may move the calling thread. */
void steer_request(struct steer *steer, uint64_t now_ns);

/* Let the thread go where it likes again. */
void steer_end(struct steer *steer);

/* The CPU the thread is kept on, or -1. */
int steer_cpu(const struct steer *steer);

#endif
