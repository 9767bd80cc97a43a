/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/map.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;
static uint64_t hash_key[2]; /* immutable after hash_key_once */

static void hash_key_make(void)
{
	if (getrandom(hash_key, sizeof(hash_key), GRND_NONBLOCK) != (ssize_t)sizeof(hash_key)) {
		/* Early boot without entropy: still differs per process, as addresses do. */
		hash_key[0] = (uint64_t)(uintptr_t)&hash_key ^ 0x9e3779b97f4a7c15u;
		hash_key[1] = (uint64_t)(uintptr_t)&hash_key_once ^ 0xd1b54a32d192ed03u;
	}
	hash_key[0] |= 1;
	hash_key[1] |= 1;
}

/* Both halves of a 128-bit product folded: each input bit reaches each output bit. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint32_t hash_bytes(struct span bytes, uint64_t seed)
{
	uint64_t state, word, key0, key1;
	const uint8_t *next = bytes.data;
	size_t left = bytes.size;

	(void)pthread_once(&hash_key_once, hash_key_make);
	key0 = hash_key[0];
	key1 = hash_key[1];
	state = mix(seed ^ key0, key1 ^ bytes.size);
	for (; left >= 8; left -= 8, next += 8) {
		memcpy(&word, next, 8);
		state = mix(state ^ word, key0);
	}
	if (left) {
		word = 0;
		memcpy(&word, next, left);
		state = mix(state ^ word, key1);
	}
	state = mix(state ^ key1, key0 ^ 0x9e3779b97f4a7c15u);
	return (uint32_t)(state ^ state >> 32);
}

void map_release(struct map *map)
{
	int saved = errno;

	free(map->slots);
	*map = (struct map){0};
	errno = saved;
}

void *map_find(const struct map *map, uint32_t hash, map_equal *equal, const void *key)
{
	size_t mask = map->capacity - 1;

	if (!map->capacity)
		return NULL;
	for (size_t i = hash & mask; map->slots[i].item; i = (i + 1) & mask) {
		if (map->slots[i].hash == hash && equal(map->slots[i].item, key))
			return map->slots[i].item;
	}
	return NULL;
}

static void map_place(struct map *map, uint32_t hash, void *item)
{
	size_t mask = map->capacity - 1;
	size_t i = hash & mask;

	while (map->slots[i].item)
		i = (i + 1) & mask;
	map->slots[i] = (struct map_slot){item, hash};
	map->count++;
}

static int map_grow(struct map *map)
{
	struct map grown = {.capacity = map->capacity ? 2 * map->capacity : 64};

	grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->slots[i].item)
			map_place(&grown, map->slots[i].hash, map->slots[i].item);
	}
	free(map->slots);
	*map = grown;
	return 0;
}

int map_add(struct map *map, uint32_t hash, void *item)
{
	if (map->count >= map->capacity / 4 * 3) {
		int r = map_grow(map);

		if (r < 0)
			return r;
	}
	map_place(map, hash, item);
	return 0;
}

/*
 * Whatever stands behind the gap moves into it, unless that would put it before its own place: so
 * no search ends at a gap too early (Knuth, The Art of Computer Programming, 6.4, Algorithm R).
 */
void map_remove(struct map *map, uint32_t hash, const void *item)
{
	size_t mask = map->capacity - 1;
	size_t gap = hash & mask;

	while (map->slots[gap].item != item)
		gap = (gap + 1) & mask;
	for (size_t i = (gap + 1) & mask; map->slots[i].item; i = (i + 1) & mask) {
		size_t home = map->slots[i].hash & mask;

		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		map->slots[gap] = map->slots[i];
		gap = i;
	}
	map->slots[gap] = (struct map_slot){0};
	map->count--;
}
