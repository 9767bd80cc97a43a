/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * workers.h - a few threads that take jobs from one queue
 *
 * The queue is bounded: workers_add() waits while it is full, so a producer cannot run ahead of
 * memory. The first job that fails stops the rest from starting; its error and diag are the result
 * of workers_finish(). Guarded by its own lock; one thread adds and finishes.
 */
#ifndef LAMINA_BASE_WORKERS_H
#define LAMINA_BASE_WORKERS_H

#include "base/diag.h"

struct workers;

/*
 * One job. context is what workers_new() got, job is what workers_add() got, taken by the call
 * whatever it returns. Returns 0 or -errno with *why.
 */
typedef int workers_job(void *context, void *job, struct diag *why);

/* What to do with a job that is dropped because an earlier one failed; may be NULL. */
typedef void workers_drop(void *job);

/* thread_count 0: one per CPU this process may use. Returns 0 or -errno. */
int workers_new(unsigned int thread_count, workers_job *run, workers_drop *drop, void *context,
		struct workers **ret);

/* Queue a job, taken in every case. Returns 0, or the error of an earlier job: then stop adding. */
int workers_add(struct workers *workers, void *job);

/* Wait for all jobs, end the threads, free. Returns the first error. NULL is fine and gives 0. */
int workers_finish(struct workers *workers, struct diag *why);

/* CPUs this process may run on, at least 1. */
unsigned int cpu_count(void);

#endif
