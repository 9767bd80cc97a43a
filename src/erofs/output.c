/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "erofs/output.h"

#include <assert.h>
#include <stdlib.h>

struct output *output_new(erofs_sink *sink, void *context, struct diag *why)
{
	struct output *output = calloc(1, sizeof(*output));

	if (!output)
		return NULL;
	output->sink = sink;
	output->context = context;
	output->why = why;
	return output;
}

int output_flush(struct output *output)
{
	if (!output->failed && output->used)
		output->failed = output->sink(output->context, span_of(output->bytes, output->used),
					      output->why);
	output->used = 0;
	return output->failed;
}

uint8_t *output_room(struct output *output, size_t size)
{
	uint8_t *room;

	assert(size <= OUTPUT_BYTES);
	if (size > OUTPUT_BYTES - output->used)
		(void)output_flush(output);
	room = output->bytes + output->used;
	output->used += size;
	output->offset += size;
	return room;
}

void output_put(struct output *output, const void *data, size_t size)
{
	if (size)
		memcpy(output_room(output, size), data, size);
}

void output_zeros(struct output *output, uint64_t size)
{
	while (size) {
		size_t part = size < OUTPUT_BYTES ? (size_t)size : OUTPUT_BYTES;

		memset(output_room(output, part), 0, part);
		size -= part;
	}
}

void output_seek(struct output *output, uint64_t offset)
{
	assert(offset >= output->offset);
	output_zeros(output, offset - output->offset);
}
