/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * trace.h - LAMINA_TRACE=store,fuse writes one line per event of those rooms to stderr
 *
 * One predictable branch when off. TRACE("store", "link %s", name) adds room and newline.
 */
#ifndef LAMINA_BASE_TRACE_H
#define LAMINA_BASE_TRACE_H

#include <stdbool.h>

/* Whether LAMINA_TRACE names room, or "all". Read from the environment once. */
bool trace_is_on(const char *room);

void trace_line(const char *room, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

#define TRACE(room, ...)                                    \
	do {                                                \
		if (__builtin_expect(trace_is_on(room), 0)) \
			trace_line(room, __VA_ARGS__);      \
	} while (0)

#endif
