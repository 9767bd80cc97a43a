/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/deflate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/reader.h"
#include "oci/deflate_private.h"

#define BUFFER_SIZE ((size_t)128 * 1024)

static const char *const names[COMPRESSION_COUNT] = {
	[COMPRESSION_NONE] = "none",
	[COMPRESSION_GZIP] = "gzip",
	[COMPRESSION_ZSTD] = "zstd",
};

const char *compression_name(enum compression compression)
{
	return names[compression];
}

struct deflate {
	const struct deflate_codec *codec;
	void *encoder; /* owned */
	const struct reader *source;
	struct span input; /* of buffer; what the encoder has not taken */
	bool is_last;      /* source has ended */
	bool is_done;      /* and all of it is written */
	uint8_t buffer[BUFFER_SIZE];
};

static int refill(struct deflate *deflate, struct diag *why)
{
	ssize_t got;

	if (deflate->input.size || deflate->is_last)
		return 0;
	got = reader_read(deflate->source, deflate->buffer, BUFFER_SIZE, why);
	if (got < 0)
		return (int)got;
	deflate->input = span_of(deflate->buffer, (size_t)got);
	deflate->is_last = got == 0;
	return 0;
}

static ssize_t deflate_read(void *context, void *data, size_t size, struct diag *why)
{
	struct deflate *deflate = context;
	struct deflate_room room = {data, size};

	while (room.size == size && !deflate->is_done) {
		int r = refill(deflate, why);

		if (r == 0)
			r = deflate->codec->run(deflate->encoder, &deflate->input, deflate->is_last,
						&room, why);
		if (r < 0)
			return r;
		deflate->is_done = r == 1;
	}
	return (ssize_t)(size - room.size);
}

static void deflate_close(void *context)
{
	struct deflate *deflate = context;

	deflate->codec->close(deflate->encoder);
	free(deflate);
}

int deflate_open(enum compression compression, const struct reader *source, struct reader *ret,
		 struct diag *why)
{
	struct deflate *deflate = calloc(1, sizeof(*deflate));
	int r;

	if (!deflate)
		return -ENOMEM;
	deflate->codec = compression == COMPRESSION_ZSTD ? &deflate_zstd : &deflate_zlib;
	deflate->source = source;
	r = deflate->codec->open(&deflate->encoder, why);
	if (r < 0) {
		free(deflate);
		return r;
	}
	*ret = (struct reader){deflate_read, deflate_close, deflate};
	return 0;
}
