/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * inflate_private.h - what each compression does for inflate.h
 */
#ifndef LAMINA_OCI_INFLATE_PRIVATE_H
#define LAMINA_OCI_INFLATE_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct diag; /* base/diag.h */

/* Room for plain bytes. */
struct inflate_room {
	uint8_t *data;
	size_t size;
};

struct inflate_codec {
	const char *name;
	/* A decoder that stands before a member or frame. -EOPNOTSUPP where its library is not. */
	int (*open)(void **ret, struct diag *why);
	/*
	 * Move *input and *room on. Room is not empty; input is where no more of it will come, and
	 * only then neither may move. Returns 1 at the end of a member or frame (the next call
	 * begins another), 0 within one, -EUCLEAN or -E2BIG.
	 */
	int (*run)(void *decoder, struct span *input, struct inflate_room *room, struct diag *why);
	void (*close)(void *decoder);
};

extern const struct inflate_codec inflate_zlib, inflate_isal, inflate_zstd;

static inline void span_advance(struct span *span, size_t count)
{
	*span = span_of(span->data + count, span->size - count);
}

static inline void room_advance(struct inflate_room *room, size_t count)
{
	room->data += count;
	room->size -= count;
}

#endif
