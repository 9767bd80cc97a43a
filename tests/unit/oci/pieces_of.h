/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pieces_of.h - memory as pieces of any size, and as a reader
 */
#ifndef LAMINA_TESTS_PIECES_OF_H
#define LAMINA_TESTS_PIECES_OF_H

#include "base/pieces.h"

struct memory {
	struct span rest;
	size_t piece_size; /* 0: all at once */
	int error;         /* at the end, instead of 0 */
};

static inline int memory_next(void *context, struct span *ret, struct diag *why)
{
	struct memory *memory = context;
	size_t size = memory->rest.size;

	(void)why;
	if (size == 0)
		return memory->error;
	if (memory->piece_size && memory->piece_size < size)
		size = memory->piece_size;
	*ret = span_of(memory->rest.data, size);
	memory->rest = span_of(memory->rest.data + size, memory->rest.size - size);
	return 1;
}

static inline struct pieces pieces_of_memory(struct memory *memory)
{
	return (struct pieces){.next = memory_next, .context = memory};
}

static inline ssize_t memory_read(void *context, void *data, size_t size, struct diag *why)
{
	struct memory *memory = context;
	struct span piece = SPAN_EMPTY;
	size_t piece_size = memory->piece_size;
	int r;

	if (!piece_size || piece_size > size)
		memory->piece_size = size;
	r = memory_next(memory, &piece, why);
	memory->piece_size = piece_size;
	if (r <= 0)
		return r;
	memcpy(data, piece.data, piece.size);
	return (ssize_t)piece.size;
}

static inline struct reader reader_of_memory(struct memory *memory)
{
	return (struct reader){.read = memory_read, .context = memory};
}

#endif
