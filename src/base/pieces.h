/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pieces.h - bytes that somebody delivers in order, where he has them
 *
 * The reader of base/reader.h copies into memory of the caller; here the caller borrows. Owned by
 * one thread at a time; whoever made it owns the context.
 */
#ifndef LAMINA_BASE_PIECES_H
#define LAMINA_BASE_PIECES_H

#include "base/reader.h"
#include "base/span.h"

struct pieces {
	/*
	 * The next bytes, at least one, valid until the next call. Returns 1, 0 at the end, or a
	 * negative errno; after either of the latter it is not called again.
	 */
	int (*next)(void *context, struct span *ret, struct diag *why);
	void *context;
};

static inline int pieces_next(const struct pieces *pieces, struct span *ret, struct diag *why)
{
	return pieces->next(pieces->context, ret, why);
}

/* What a reader gives, by way of a buffer. All are borrowed. */
struct reader_pieces {
	const struct reader *reader;
	uint8_t *buffer;
	size_t size; /* of the buffer */
};

static inline int reader_pieces_next(void *context, struct span *ret, struct diag *why)
{
	const struct reader_pieces *from = context;
	ssize_t got = reader_read(from->reader, from->buffer, from->size, why);

	if (got <= 0)
		return (int)got;
	*ret = span_of(from->buffer, (size_t)got);
	return 1;
}

static inline struct pieces pieces_of_reader(struct reader_pieces *from)
{
	return (struct pieces){.next = reader_pieces_next, .context = from};
}

#endif
