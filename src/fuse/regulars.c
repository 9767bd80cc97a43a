/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/regulars.h"

#include <stddef.h>

/* Requests until what was counted before is worth half as much. */
#define WINDOW 64

static uint32_t get(const _Atomic uint32_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void set(_Atomic uint32_t *value, uint32_t to)
{
	atomic_store_explicit(value, to, memory_order_relaxed);
}

void regulars_clear(struct regulars *regulars)
{
	for (unsigned int i = 0; i < REGULARS_MAX; i++)
		set(&regulars->regulars[i].count, 0);
	regulars->seen = 0;
}

static void count(struct regulars *regulars, uint32_t task)
{
	struct regular *nobody = NULL;

	for (unsigned int i = 0; i < REGULARS_MAX; i++) {
		struct regular *regular = &regulars->regulars[i];
		uint32_t before = get(&regular->count);

		if (before == 0)
			nobody = regular;
		else if (get(&regular->task) == task) {
			set(&regular->count, before + 1);
			return;
		}
	}
	if (nobody) {
		set(&nobody->task, task);
		set(&nobody->count, 1);
	}
}

void regulars_see(struct regulars *regulars, uint32_t task)
{
	if (task != 0)
		count(regulars, task);
	if (++regulars->seen < WINDOW)
		return;
	regulars->seen = 0;
	for (unsigned int i = 0; i < REGULARS_MAX; i++)
		set(&regulars->regulars[i].count, get(&regulars->regulars[i].count) / 2);
}

uint32_t regulars_count(const struct regulars *regulars, uint32_t task)
{
	for (unsigned int i = 0; i < REGULARS_MAX; i++) {
		uint32_t found = get(&regulars->regulars[i].count);

		/* One that was forgotten may have come back in another place. */
		if (found > 0 && get(&regulars->regulars[i].task) == task)
			return found;
	}
	return 0;
}
