/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/reader.h"
#include "store/objects.h"
#include "store/splitstream.h"

struct reassembly {
	const struct store *store;  /* borrowed */
	struct splitstream *stream; /* owned */
	uint64_t left;              /* of what splitstream_size() promised */
	struct span bytes;          /* what is left of an inline piece */
	int object_fd;              /* owned; -1: none is being read */
};

static void reassembly_close(void *context)
{
	struct reassembly *reassembly = context;

	splitstream_close(reassembly->stream);
	fd_close(reassembly->object_fd);
	free(reassembly);
}

/* Returns 1 when there is a chunk to read from, 0 at the end. */
static int next_chunk(struct reassembly *reassembly, struct diag *why)
{
	struct splitstream_chunk chunk;
	int r;

	r = splitstream_next(reassembly->stream, &chunk, why);
	if (r <= 0)
		return r;
	if (!chunk.is_external) {
		reassembly->bytes = chunk.bytes;
		return 1;
	}
	reassembly->object_fd = object_open(reassembly->store, &chunk.object, why);
	return reassembly->object_fd < 0 ? reassembly->object_fd : 1;
}

/* Bytes of what is being read, 0 at its end. */
static ssize_t take(struct reassembly *reassembly, void *data, size_t size, struct diag *why)
{
	ssize_t got;

	if (reassembly->bytes.size) {
		size_t part = size < reassembly->bytes.size ? size : reassembly->bytes.size;

		memcpy(data, reassembly->bytes.data, part);
		reassembly->bytes =
			span_of(reassembly->bytes.data + part, reassembly->bytes.size - part);
		return (ssize_t)part;
	}
	if (reassembly->object_fd < 0)
		return 0;
	got = fd_read(reassembly->object_fd, data, size);
	if (got < 0)
		return diag_errno(why, (int)got, "cannot read an object of a stream");
	if (got == 0) {
		fd_close(reassembly->object_fd);
		reassembly->object_fd = -1;
	}
	return got;
}

static ssize_t reassembly_read(void *context, void *data, size_t size, struct diag *why)
{
	struct reassembly *reassembly = context;

	for (;;) {
		ssize_t got = take(reassembly, data, size, why);
		int r;

		if (got < 0)
			return got;
		if ((uint64_t)got > reassembly->left)
			return diag_set(why, -EUCLEAN,
					"splitstream: more bytes than the %llu it says",
					(unsigned long long)splitstream_size(reassembly->stream));
		reassembly->left -= (uint64_t)got;
		if (got > 0)
			return got;
		r = next_chunk(reassembly, why);
		if (r < 0)
			return r;
		if (r == 0)
			break;
	}
	if (reassembly->left)
		return diag_set(why, -EUCLEAN, "splitstream: %llu bytes less than the %llu it says",
				(unsigned long long)reassembly->left,
				(unsigned long long)splitstream_size(reassembly->stream));
	return 0;
}

int splitstream_reader(const struct store *store, struct splitstream *stream, struct reader *ret,
		       struct diag *why)
{
	struct reassembly *reassembly = malloc(sizeof(*reassembly));

	(void)why;
	if (!reassembly) {
		splitstream_close(stream);
		return -ENOMEM;
	}
	*reassembly = (struct reassembly){.store = store,
					  .stream = stream,
					  .left = splitstream_size(stream),
					  .object_fd = -1};
	*ret = (struct reader){reassembly_read, reassembly_close, reassembly};
	return 0;
}

int splitstream_read_all(const struct store *store, struct splitstream *stream, size_t limit,
			 struct buf *ret, struct diag *why)
{
	struct reader reader = READER_NONE;
	uint64_t size = splitstream_size(stream);
	CLEAN(buf_release) struct buf all = {0};
	int r;

	if (size > limit) {
		splitstream_close(stream);
		return diag_set(why, -E2BIG, "a stream of %llu bytes, more than %zu",
				(unsigned long long)size, limit);
	}
	r = splitstream_reader(store, stream, &reader, why);
	/* One byte more, so that the end is asked for, and held against the size. */
	if (r == 0)
		r = buf_reserve(&all, (size_t)size + 1);
	while (r == 0) {
		ssize_t got =
			reader_read(&reader, all.data + all.size, (size_t)size + 1 - all.size, why);

		if (got <= 0) {
			r = (int)got;
			break;
		}
		all.size += (size_t)got;
	}
	reader_close(&reader);
	return r < 0 ? r : buf_append_span(ret, buf_span(&all));
}
