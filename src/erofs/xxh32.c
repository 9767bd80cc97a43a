/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "erofs/xxh32.h"

#include "base/le.h"

#define PRIME_1 0x9e3779b1u
#define PRIME_2 0x85ebca77u
#define PRIME_3 0xc2b2ae3du
#define PRIME_4 0x27d4eb2fu
#define PRIME_5 0x165667b1u

static uint32_t rotate(uint32_t value, unsigned int bits)
{
	return value << bits | value >> (32 - bits);
}

static uint32_t load(const uint8_t *bytes)
{
	le32 raw;

	memcpy(&raw, bytes, sizeof(raw));
	return le32_get(raw);
}

static uint32_t lane_round(uint32_t lane, uint32_t word)
{
	return rotate(lane + word * PRIME_2, 13) * PRIME_1;
}

uint32_t xxh32(struct span bytes, uint32_t seed)
{
	const uint8_t *next = bytes.data;
	size_t left = bytes.size;
	uint32_t hash;

	if (left >= 16) {
		uint32_t lanes[4] = {seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed,
				     seed - PRIME_1};

		for (; left >= 16; left -= 16, next += 16) {
			for (size_t i = 0; i < 4; i++)
				lanes[i] = lane_round(lanes[i], load(next + 4 * i));
		}
		hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) +
		       rotate(lanes[3], 18);
	} else {
		hash = seed + PRIME_5;
	}
	hash += (uint32_t)bytes.size;
	for (; left >= 4; left -= 4, next += 4)
		hash = rotate(hash + load(next) * PRIME_3, 17) * PRIME_4;
	for (; left; left--, next++)
		hash = rotate(hash + *next * PRIME_5, 11) * PRIME_1;
	hash = (hash ^ hash >> 15) * PRIME_2;
	hash = (hash ^ hash >> 13) * PRIME_3;
	return hash ^ hash >> 16;
}
