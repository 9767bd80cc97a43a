/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pace.h - how fast requests follow each other, as one thread sees it
 *
 * Measured over windows of PACE_WINDOW requests, so that it costs next to nothing. Owned by one
 * thread.
 */
#ifndef LAMINA_FUSE_PACE_H
#define LAMINA_FUSE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_WINDOW 64

/* Slower than this is no burst: somebody who waits for a disk, or types. */
#define PACE_BURST_NS 200000

struct pace {
	uint64_t begin_ns;
	uint32_t count;
	uint64_t begin_busy_ns; /* of the thread's processor time */
};

struct pace_window {
	uint64_t now_ns;
	uint64_t period_ns; /* mean, from one request to the next */
	bool is_burst;
	unsigned int busy_percent; /* of the time that the thread had the processor */
	bool is_saturated;         /* busy all the time in a burst: another one would help */
};

/* Begin a window now: what the thread did before is none of it. */
void pace_begin(struct pace *pace);

/* Count requests. Returns true, with what there is to say, when a window is full. */
bool pace_count(struct pace *pace, uint32_t requests, struct pace_window *ret);

uint64_t pace_now_ns(void); /* of CLOCK_MONOTONIC */

#endif
