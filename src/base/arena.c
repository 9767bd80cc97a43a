/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/arena.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ckd.h"

/* Large enough that malloc maps it and the kernel takes it back, small enough not to matter in RSS.
 */
#define ARENA_CHUNK_BYTES (256 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	_Alignas(16) uint8_t bytes[];
};

void arena_release(struct arena *arena)
{
	int saved = errno;

	while (arena->chunks) {
		struct arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
	*arena = (struct arena){0};
	errno = saved;
}

static void *arena_chunk_add(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk;
	size_t total;

	if (ckd_add(&total, size, sizeof(*chunk)))
		return NULL;
	chunk = malloc(total);
	if (!chunk)
		return NULL;
	chunk->next = arena->chunks;
	arena->size += total; /* what malloc gave cannot wrap */
	arena->chunks = chunk;
	return chunk->bytes;
}

void *arena_alloc(struct arena *arena, size_t size, size_t align)
{
	size_t skip = (size_t)(-(uintptr_t)arena->next) & (align - 1);
	uint8_t *start;

	assert(align && (align & (align - 1)) == 0 && align <= 16);
	if (size > ARENA_CHUNK_BYTES / 4) /* its own chunk; the current one stays in use */
		return arena_chunk_add(arena, size);
	if (!arena->next || skip > arena->left || size > arena->left - skip) {
		start = arena_chunk_add(arena, ARENA_CHUNK_BYTES);
		if (!start)
			return NULL;
		arena->next = start;
		arena->left = ARENA_CHUNK_BYTES;
		skip = 0;
	}
	start = arena->next + skip;
	arena->next = start + size;
	arena->left -= skip + size;
	return start;
}

void *arena_zeroed(struct arena *arena, size_t size, size_t align)
{
	void *start = arena_alloc(arena, size, align);

	if (start)
		memset(start, 0, size);
	return start;
}

char *arena_copy(struct arena *arena, struct span bytes)
{
	size_t total;
	char *copy;

	if (ckd_add(&total, bytes.size, (size_t)1))
		return NULL;
	copy = arena_alloc(arena, total, 1);
	if (!copy)
		return NULL;
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	copy[bytes.size] = '\0';
	return copy;
}
