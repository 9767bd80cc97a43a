/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/diag.h"
#include "oci/deflate_private.h"
#include "oci/zlib_private.h"

#define MEMORY_LEVEL 8 /* zlib's default (zconf.h) */

struct encoder {
	const struct zlib *zlib;
	z_stream stream;
};

static int zlib_open(void **ret, struct diag *why)
{
	const struct zlib *zlib;
	struct encoder *encoder;
	int r = zlib_load(&zlib, why);

	if (r < 0)
		return r;
	encoder = calloc(1, sizeof(*encoder));
	if (!encoder)
		return -ENOMEM;
	encoder->zlib = zlib;
	if (zlib->deflate_init(&encoder->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
			       ZLIB_GZIP_WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY,
			       ZLIB_VERSION, (int)sizeof(encoder->stream)) != Z_OK) {
		free(encoder);
		return -ENOMEM;
	}
	*ret = encoder;
	return 0;
}

static int zlib_run(void *context, struct span *input, bool is_last, struct deflate_room *room,
		    struct diag *why)
{
	struct encoder *encoder = context;
	z_stream *stream = &encoder->stream;
	uInt in = input->size < UINT_MAX ? (uInt)input->size : UINT_MAX;
	uInt out = room->size < UINT_MAX ? (uInt)room->size : UINT_MAX;
	int r;

	stream->next_in = (z_const Bytef *)input->data;
	stream->avail_in = in;
	stream->next_out = room->data;
	stream->avail_out = out;
	r = encoder->zlib->deflate(stream, is_last && in == input->size ? Z_FINISH : Z_NO_FLUSH);
	in -= stream->avail_in;
	out -= stream->avail_out;
	*input = span_of(input->data + in, input->size - in);
	*room = (struct deflate_room){room->data + out, room->size - out};
	if (r == Z_STREAM_END)
		return 1;
	/* Z_BUF_ERROR: nothing was possible this time, for want of room or input */
	return r == Z_OK || r == Z_BUF_ERROR ? 0 : diag_set(why, -EIO, "zlib cannot compress");
}

static void zlib_close(void *context)
{
	struct encoder *encoder = context;

	(void)encoder->zlib->deflate_end(&encoder->stream);
	free(encoder);
}

const struct deflate_codec deflate_zlib = {zlib_open, zlib_run, zlib_close};
