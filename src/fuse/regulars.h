/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * regulars.h - the tasks whose requests are mostly found on one CPU
 *
 * Nothing in a request says where it was made. But a thread that polls on a CPU finds, more often
 * than not, what was asked beside it: whoever finds most of a task's requests has it there.
 * Recent ones count more: each window halves what was counted before. Written by one thread, read
 * by any.
 */
#ifndef LAMINA_FUSE_REGULARS_H
#define LAMINA_FUSE_REGULARS_H

#include <stdatomic.h>
#include <stdint.h>

/* As many as two CPUs' worth of clients; others are nobody's until one of these is gone. */
#define REGULARS_MAX 4

struct regular {
	_Atomic uint32_t task;
	_Atomic uint32_t count; /* 0: nobody */
};

struct regulars {
	struct regular regulars[REGULARS_MAX];
	uint32_t seen; /* in this window; the writer's */
};

/* Forget all. */
void regulars_clear(struct regulars *regulars);

/* A request of that task was found here. 0 is no task. */
void regulars_see(struct regulars *regulars, uint32_t task);

/* How often lately, at most some hundred times. */
uint32_t regulars_count(const struct regulars *regulars, uint32_t task);

#endif
