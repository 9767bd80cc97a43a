/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * inventory.h - what is known of the contents of an image as a whole
 *
 * A file need not be opened by the server when all contents are there: decision 7. Whether they are
 * is found out by a thread of its own, once somebody has opened a file: 0.06 s for 100,000 files.
 */
#ifndef LAMINA_SERVE_INVENTORY_H
#define LAMINA_SERVE_INVENTORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct view; /* serve/view.h */

/* All zero: nobody has asked. A process that forks before anybody asks has one each. */
struct inventory {
	_Atomic int state; /* enum inventory_state */
	atomic_bool is_ending;
	bool has_thread; /* written by whoever makes it, read at the end */
	pthread_t thread;
};

/*
 * Whether all contents are known to be there. The first call has that found out; until then, where
 * one is missing, and where it cannot be told, false. Any thread.
 */
bool inventory_is_complete(struct view *view);

/* Nobody asks any more. */
void inventory_release(struct view *view);

#endif
