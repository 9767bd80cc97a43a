/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * map.h - a set of pointers found by hash
 *
 * Open addressing over (hash, pointer): the owner of the pointed-at things keeps them, and says
 * what "equal" means. Hashes are keyed per process (hash_bytes()), so that foreign names cannot be
 * chosen to collide. Owned by one thread. Starts as {0}.
 */
#ifndef LAMINA_BASE_MAP_H
#define LAMINA_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct map_slot {
	void *item; /* NULL: empty */
	uint32_t hash;
};

struct map {
	struct map_slot *slots; /* owned */
	size_t count;
	size_t capacity; /* a power of two, or 0 */
};

typedef bool map_equal(const void *item, const void *key);

void map_release(struct map *map);

/* The item that equal() accepts for key, or NULL. */
void *map_find(const struct map *map, uint32_t hash, map_equal *equal, const void *key);

/* Add an item that is not there yet. Returns 0 or -ENOMEM. */
int map_add(struct map *map, uint32_t hash, void *item);

/* Take out an item that is there, under the hash it was added with. */
void map_remove(struct map *map, uint32_t hash, const void *item);

/* Hash of bytes, mixed with seed; keyed at random once per process. */
uint32_t hash_bytes(struct span bytes, uint64_t seed);

#endif
