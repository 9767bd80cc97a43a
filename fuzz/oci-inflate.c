/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A blob of a registry. However it is cut into pieces, the same plain bytes and the same verdict
 * must come out, and never more than the limit.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/pieces.h"
#include "oci/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT (256 * 1024)

struct cut {
	struct span rest;
	size_t piece_size;
};

static int cut_next(void *context, struct span *ret, struct diag *why)
{
	struct cut *cut = context;
	size_t size = cut->rest.size < cut->piece_size ? cut->rest.size : cut->piece_size;

	(void)why;
	*ret = span_of(cut->rest.data, size);
	cut->rest = span_of(cut->rest.data + size, cut->rest.size - size);
	return size > 0;
}

static int inflate_all(struct span packed, size_t piece_size, size_t read_size, struct buf *ret)
{
	struct cut cut = {packed, piece_size};
	const struct pieces pieces = {cut_next, &cut};
	uint8_t *room = malloc(read_size); /* of the exact size, for sanitizers */
	struct diag why = {0};
	struct reader reader;
	ssize_t got = -ENOMEM;

	if (room && inflate_open(&pieces, LIMIT, &reader) == 0) {
		while ((got = reader_read(&reader, room, read_size, &why)) > 0)
			assert((size_t)got <= read_size && buf_append(ret, room, (size_t)got) == 0);
		reader_close(&reader);
		assert(got == 0 || got == -ENOMEM || why.text[0]);
	}
	free(room);
	return (int)got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(buf_release) struct buf whole = {0}, cut = {0};
	size_t piece_size, read_size;
	int r;

	if (size < 2)
		return 0;
	piece_size = 1 + data[0];
	read_size = 1 + data[1] * 16u;
	r = inflate_all(span_of(data + 2, size - 2), SIZE_MAX, 65536, &whole);
	assert(whole.size <= LIMIT);
	/* What comes before an error depends on how much is asked for at a time. */
	assert(inflate_all(span_of(data + 2, size - 2), piece_size, read_size, &cut) == r);
	assert(r < 0 || span_equal(buf_span(&whole), buf_span(&cut)));
	return 0;
}
