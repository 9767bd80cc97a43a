/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/workers.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

/* Deep enough that no thread idles between two small files, shallow enough to bound what is open.
 */
#define QUEUE_SIZE 256

#define THREADS_MAX 256 /* more only waits for the disk; bounds stacks and descriptors */

struct workers {
	workers_job *run;
	workers_drop *drop;
	void *context;
	unsigned int thread_count;

	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	pthread_cond_t not_full;
	/* guarded by lock: */
	void *queue[QUEUE_SIZE];
	size_t first;
	size_t queued;
	bool finishing;
	int error;
	struct diag why;

	pthread_t threads[];
};

unsigned int cpu_count(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned int)CPU_COUNT(&set);
	return 1;
}

/* The next job, or NULL when there will be none. */
static void *workers_next(struct workers *workers, bool *ret_failed)
{
	void *job = NULL;

	(void)pthread_mutex_lock(&workers->lock);
	while (!workers->queued && !workers->finishing)
		(void)pthread_cond_wait(&workers->not_empty, &workers->lock);
	if (workers->queued) {
		job = workers->queue[workers->first];
		workers->first = (workers->first + 1) % QUEUE_SIZE;
		workers->queued--;
		/* A producer that was stopped by a full queue is not woken for each free place. */
		if (workers->queued == QUEUE_SIZE / 2)
			(void)pthread_cond_signal(&workers->not_full);
	}
	*ret_failed = workers->error != 0;
	(void)pthread_mutex_unlock(&workers->lock);
	return job;
}

static void workers_fail(struct workers *workers, int error, const struct diag *why)
{
	(void)pthread_mutex_lock(&workers->lock);
	if (!workers->error) {
		workers->error = error;
		workers->why = *why;
	}
	(void)pthread_mutex_unlock(&workers->lock);
}

static void *workers_thread(void *argument)
{
	struct workers *workers = argument;
	bool failed;
	void *job;

	while ((job = workers_next(workers, &failed))) {
		struct diag why = {0};
		int r;

		if (failed) {
			if (workers->drop)
				workers->drop(job);
			continue;
		}
		r = workers->run(workers->context, job, &why);
		if (r < 0)
			workers_fail(workers, r, &why);
	}
	return NULL;
}

int workers_new(unsigned int thread_count, workers_job *run, workers_drop *drop, void *context,
		struct workers **ret)
{
	struct workers *workers;

	if (thread_count == 0)
		thread_count = cpu_count();
	if (thread_count > THREADS_MAX)
		thread_count = THREADS_MAX;
	workers = calloc(1, sizeof(*workers) + thread_count * sizeof(workers->threads[0]));
	if (!workers)
		return -ENOMEM;
	workers->run = run;
	workers->drop = drop;
	workers->context = context;
	(void)pthread_mutex_init(&workers->lock, NULL);
	(void)pthread_cond_init(&workers->not_empty, NULL);
	(void)pthread_cond_init(&workers->not_full, NULL);
	for (unsigned int i = 0; i < thread_count; i++) {
		int err = pthread_create(&workers->threads[i], NULL, workers_thread, workers);

		if (err && i == 0) {
			(void)workers_finish(workers, NULL);
			return -err;
		}
		if (err)
			break; /* fewer threads do the same work */
		workers->thread_count++;
	}
	*ret = workers;
	return 0;
}

int workers_add(struct workers *workers, void *job)
{
	int error;

	(void)pthread_mutex_lock(&workers->lock);
	while (workers->queued == QUEUE_SIZE && !workers->error)
		(void)pthread_cond_wait(&workers->not_full, &workers->lock);
	error = workers->error;
	if (!error) {
		workers->queue[(workers->first + workers->queued) % QUEUE_SIZE] = job;
		workers->queued++;
		(void)pthread_cond_signal(&workers->not_empty);
	}
	(void)pthread_mutex_unlock(&workers->lock);
	if (error && workers->drop)
		workers->drop(job);
	return error;
}

int workers_finish(struct workers *workers, struct diag *why)
{
	int error;

	if (!workers)
		return 0;
	(void)pthread_mutex_lock(&workers->lock);
	workers->finishing = true;
	(void)pthread_cond_broadcast(&workers->not_empty);
	(void)pthread_mutex_unlock(&workers->lock);
	for (unsigned int i = 0; i < workers->thread_count; i++)
		(void)pthread_join(workers->threads[i], NULL);
	error = workers->error;
	if (error && why)
		*why = workers->why;
	(void)pthread_cond_destroy(&workers->not_full);
	(void)pthread_cond_destroy(&workers->not_empty);
	(void)pthread_mutex_destroy(&workers->lock);
	free(workers);
	return error;
}
