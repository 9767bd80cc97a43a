/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * recent.c
 *
 * A slot is a nodeid in the upper 44 bits and a descriptor plus one in the lower 20, so that it
 * changes hands in one instruction; 0 is empty.
 */
#include "serve/recent.h"

#include "base/fd.h"

#define FD_BITS 20 /* Linux' default fs.nr_open is 2^20 */
#define FD_MASK ((1u << FD_BITS) - 1)
#define NODEID_MAX (UINT64_MAX >> FD_BITS)

static _Atomic uint64_t *set_of(struct recent *recent, uint64_t nodeid)
{
	/* Nodeids of files that are near each other differ in the middle bits. */
	return recent->slots[(nodeid ^ nodeid >> 4) % RECENT_SETS];
}

int recent_take(struct recent *recent, uint64_t nodeid)
{
	_Atomic uint64_t *set = set_of(recent, nodeid);

	for (int way = 0; way < RECENT_WAYS; way++) {
		uint64_t slot = atomic_load(&set[way]);

		if (slot && slot >> FD_BITS == nodeid &&
		    atomic_compare_exchange_strong(&set[way], &slot, (uint64_t)0))
			return (int)(slot & FD_MASK) - 1;
	}
	return -1;
}

void recent_put(struct recent *recent, uint64_t nodeid, int fd)
{
	_Atomic uint64_t *set = set_of(recent, nodeid);
	uint64_t slot = nodeid << FD_BITS | (uint64_t)(fd + 1);

	if (nodeid > NODEID_MAX || (unsigned int)fd >= FD_MASK) {
		fd_close(fd);
		return;
	}
	for (int way = 0; way < RECENT_WAYS; way++) {
		uint64_t empty = 0;

		if (atomic_compare_exchange_strong(&set[way], &empty, slot))
			return;
	}
	slot = atomic_exchange(&set[atomic_fetch_add(&recent->turn, 1) % RECENT_WAYS], slot);
	if (slot)
		fd_close((int)(slot & FD_MASK) - 1);
}

void recent_close(struct recent *recent)
{
	for (int set = 0; set < RECENT_SETS; set++) {
		for (int way = 0; way < RECENT_WAYS; way++) {
			uint64_t slot = atomic_exchange(&recent->slots[set][way], (uint64_t)0);

			if (slot)
				fd_close((int)(slot & FD_MASK) - 1);
		}
	}
}
