/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * arena.h - many small things that are freed together
 *
 * Owned by one thread. Starts as {0}. Nothing is freed before arena_release().
 */
#ifndef LAMINA_BASE_ARENA_H
#define LAMINA_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct arena {
	struct arena_chunk *chunks; /* owned */
	uint8_t *next;
	size_t left;
	size_t size; /* bytes of all chunks */
};

void arena_release(struct arena *arena);

/* size bytes, aligned to align (a power of two, at most 16), not cleared. NULL when out of memory.
 */
void *arena_alloc(struct arena *arena, size_t size, size_t align);

/* A copy with a NUL behind it, so that it serves as a C string too. NULL when out of memory. */
char *arena_copy(struct arena *arena, struct span bytes);

/* A zeroed T. */
#define arena_new(arena, type) ((type *)arena_zeroed((arena), sizeof(type), _Alignof(type)))
void *arena_zeroed(struct arena *arena, size_t size, size_t align);

#endif
