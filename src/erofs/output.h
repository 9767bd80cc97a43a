/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * output.h - bytes on their way to a sink, through one buffer
 *
 * The first failure of the sink is kept, and everything after it is dropped: the writer looks once
 * at the end. Owned by one thread.
 */
#ifndef LAMINA_EROFS_OUTPUT_H
#define LAMINA_EROFS_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "erofs/writer.h"

#define OUTPUT_BYTES (256 * 1024)

struct output {
	erofs_sink *sink;
	void *context;
	struct diag *why;
	int failed;      /* 0, or what the sink returned */
	uint64_t offset; /* bytes put so far */
	size_t used;
	uint8_t bytes[OUTPUT_BYTES];
};

/* NULL when out of memory. free() it. */
struct output *output_new(erofs_sink *sink, void *context, struct diag *why);

/* The place of the next size bytes, at most OUTPUT_BYTES; they count as put. */
uint8_t *output_room(struct output *output, size_t size);

void output_put(struct output *output, const void *data, size_t size);
void output_zeros(struct output *output, uint64_t size);

/* Zeros up to offset, which is not behind. */
void output_seek(struct output *output, uint64_t offset);

/* Hand over what is buffered. Returns 0 or what the sink returned first. */
int output_flush(struct output *output);

#endif
