/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/ring.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/diag.h"

#define SLOT_ALIGN 4096

struct ring {
	size_t slot_count;
	size_t slot_size;
	unsigned int reader_count;
	uint8_t *memory; /* owned; slot_count times slot_size */

	pthread_mutex_t lock;
	pthread_cond_t filled;
	pthread_cond_t emptied;
	/* guarded by lock: */
	uint64_t written;                /* slots, ever */
	uint64_t read[RING_READERS_MAX]; /* the same; a reader that holds a slot has not read it */
	bool holds[RING_READERS_MAX];
	bool is_ended;
	bool is_canceled;
	int error; /* once it is ended */
	struct diag why;
	size_t sizes[]; /* of what is in the slots */
};

int ring_new(size_t slot_count, size_t slot_size, unsigned int reader_count, struct ring **ret)
{
	struct ring *ring;

	assert(slot_size % SLOT_ALIGN == 0 && reader_count > 0 && reader_count <= RING_READERS_MAX);
	ring = calloc(1, sizeof(*ring) + slot_count * sizeof(ring->sizes[0]));
	if (!ring)
		return -ENOMEM;
	ring->memory = aligned_alloc(SLOT_ALIGN, slot_count * slot_size);
	if (!ring->memory) {
		free(ring);
		return -ENOMEM;
	}
	ring->slot_count = slot_count;
	ring->slot_size = slot_size;
	ring->reader_count = reader_count;
	(void)pthread_mutex_init(&ring->lock, NULL);
	(void)pthread_cond_init(&ring->filled, NULL);
	(void)pthread_cond_init(&ring->emptied, NULL);
	*ret = ring;
	return 0;
}

void ring_free(struct ring *ring)
{
	if (!ring)
		return;
	(void)pthread_cond_destroy(&ring->emptied);
	(void)pthread_cond_destroy(&ring->filled);
	(void)pthread_mutex_destroy(&ring->lock);
	free(ring->memory);
	free(ring);
}

void ring_freep(struct ring **ring)
{
	ring_free(*ring);
	*ring = NULL;
}

/* Slots that some reader has not left. */
static uint64_t used_locked(const struct ring *ring)
{
	uint64_t slowest = ring->written;

	for (unsigned int i = 0; i < ring->reader_count; i++) {
		if (ring->read[i] < slowest)
			slowest = ring->read[i];
	}
	return ring->written - slowest;
}

int ring_room(struct ring *ring, uint8_t **ret)
{
	int r;

	(void)pthread_mutex_lock(&ring->lock);
	while (!ring->is_canceled && used_locked(ring) == ring->slot_count)
		(void)pthread_cond_wait(&ring->emptied, &ring->lock);
	r = ring->is_canceled ? -ECANCELED : 0;
	if (r == 0)
		*ret = ring->memory + ring->written % ring->slot_count * ring->slot_size;
	(void)pthread_mutex_unlock(&ring->lock);
	return r;
}

void ring_put(struct ring *ring, size_t size)
{
	assert(size > 0 && size <= ring->slot_size);
	(void)pthread_mutex_lock(&ring->lock);
	ring->sizes[ring->written % ring->slot_count] = size;
	ring->written++;
	(void)pthread_cond_broadcast(&ring->filled);
	(void)pthread_mutex_unlock(&ring->lock);
}

void ring_end(struct ring *ring, int error, const struct diag *why)
{
	(void)pthread_mutex_lock(&ring->lock);
	ring->is_ended = true;
	ring->error = error;
	if (error)
		ring->why = *why;
	(void)pthread_cond_broadcast(&ring->filled);
	(void)pthread_mutex_unlock(&ring->lock);
}

static void leave_locked(struct ring *ring, unsigned int reader)
{
	if (!ring->holds[reader])
		return;
	ring->holds[reader] = false;
	ring->read[reader]++;
	(void)pthread_cond_signal(&ring->emptied);
}

int ring_next(struct ring *ring, unsigned int reader, struct span *ret, struct diag *why)
{
	int r = 1;

	(void)pthread_mutex_lock(&ring->lock);
	leave_locked(ring, reader);
	while (!ring->is_canceled && !ring->is_ended && ring->read[reader] == ring->written)
		(void)pthread_cond_wait(&ring->filled, &ring->lock);
	if (ring->is_canceled) {
		r = -ECANCELED;
	} else if (ring->read[reader] == ring->written) {
		r = ring->error;
		if (r && why)
			*why = ring->why;
	} else {
		size_t slot = ring->read[reader] % ring->slot_count;

		*ret = span_of(ring->memory + slot * ring->slot_size, ring->sizes[slot]);
		ring->holds[reader] = true;
	}
	(void)pthread_mutex_unlock(&ring->lock);
	return r;
}

void ring_cancel(struct ring *ring)
{
	(void)pthread_mutex_lock(&ring->lock);
	ring->is_canceled = true;
	(void)pthread_cond_broadcast(&ring->filled);
	(void)pthread_cond_broadcast(&ring->emptied);
	(void)pthread_mutex_unlock(&ring->lock);
}
