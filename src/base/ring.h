/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * ring.h - bytes that one thread fills in and others read, in order, without copying
 *
 * A few slots of memory go round: the writer fills the next one once all readers have left it.
 * Whoever is behind makes the others wait, so nothing runs ahead of memory. One thread writes, one
 * thread reads as each reader. Guarded by its own lock.
 */
#ifndef LAMINA_BASE_RING_H
#define LAMINA_BASE_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct diag; /* base/diag.h */
struct ring;

#define RING_READERS_MAX 4

/* reader_count is 1 to RING_READERS_MAX; readers are 0, 1... Returns 0 or -ENOMEM. */
int ring_new(size_t slot_count, size_t slot_size, unsigned int reader_count, struct ring **ret);
void ring_free(struct ring *ring); /* when no thread uses it any more; NULL is fine */
void ring_freep(struct ring **ring);

/* The writer: slot_size bytes to fill, once they are free. Returns 0, or -ECANCELED. */
int ring_room(struct ring *ring, uint8_t **ret);

/* The first size bytes of that room, at least one, are there. */
void ring_put(struct ring *ring, size_t size);

/* Nothing more comes: this is the end (error 0), or what readers get when they have read all. */
void ring_end(struct ring *ring, int error, const struct diag *why);

/*
 * A reader: the next bytes, valid until its next call. Returns 1, 0 at the end, the error of
 * ring_end(), or -ECANCELED.
 */
int ring_next(struct ring *ring, unsigned int reader, struct span *ret, struct diag *why);

/* From any thread: all others are told with their next call, those that wait at once. */
void ring_cancel(struct ring *ring);

#endif
