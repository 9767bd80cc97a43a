/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * recent.h - objects that were read from a moment ago, open still
 *
 * The kernel does not tell us of files being opened and closed, so each READ opens its object. Of
 * one that is larger than a READ, the descriptor waits here for the next. Whoever takes one owns it
 * until it is put back, so parallel readers of a file have a descriptor each, and there are no
 * locks. A few at most; of a full set any may give way.
 */
#ifndef LAMINA_SERVE_RECENT_H
#define LAMINA_SERVE_RECENT_H

#include <stdatomic.h>
#include <stdint.h>

#define RECENT_WAYS 4
#define RECENT_SETS 16

/* All zero when empty. */
struct recent {
	_Atomic uint64_t slots[RECENT_SETS][RECENT_WAYS];
	atomic_uint turn; /* which way of a full set gives way */
};

/* A descriptor of nodeid, now the caller's, or -1. */
int recent_take(struct recent *recent, uint64_t nodeid);

/* Takes fd. */
void recent_put(struct recent *recent, uint64_t nodeid, int fd);

void recent_close(struct recent *recent);

#endif
