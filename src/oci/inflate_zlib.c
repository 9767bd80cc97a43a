/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * gzip by zlib: everywhere, and what sanitizers see into. zlib stops after the first member and
 * calls that success (manual, inflate()); the next one has to be begun by whoever reads on.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/diag.h"
#include "oci/inflate_private.h"
#include "oci/zlib_private.h"

struct decoder {
	const struct zlib *zlib;
	z_stream stream;
};

static int zlib_open(void **ret, struct diag *why)
{
	const struct zlib *zlib;
	struct decoder *decoder;
	int r = zlib_load(&zlib, why);

	if (r < 0)
		return r;
	decoder = calloc(1, sizeof(*decoder));
	if (!decoder)
		return -ENOMEM;
	decoder->zlib = zlib;
	if (zlib->inflate_init(&decoder->stream, ZLIB_GZIP_WINDOW_BITS, ZLIB_VERSION,
			       (int)sizeof(decoder->stream)) != Z_OK) {
		free(decoder);
		return -ENOMEM;
	}
	*ret = decoder;
	return 0;
}

static int zlib_run(void *context, struct span *input, struct inflate_room *room, struct diag *why)
{
	struct decoder *decoder = context;
	z_stream *stream = &decoder->stream;
	uInt in = input->size < UINT_MAX ? (uInt)input->size : UINT_MAX;
	uInt out = room->size < UINT_MAX ? (uInt)room->size : UINT_MAX;
	int r;

	stream->next_in = (z_const Bytef *)input->data;
	stream->avail_in = in;
	stream->next_out = room->data;
	stream->avail_out = out;
	r = decoder->zlib->inflate(stream, Z_NO_FLUSH);
	span_advance(input, in - stream->avail_in);
	room_advance(room, out - stream->avail_out);
	if (r == Z_STREAM_END)
		return decoder->zlib->inflate_reset(stream) == Z_OK ? 1 : -EIO;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r != Z_OK && r != Z_BUF_ERROR) /* the latter: nothing moved */
		return diag_set(why, -EUCLEAN, "damaged gzip data: %s",
				stream->msg ? stream->msg : "it goes on with something else");
	return 0;
}

static void zlib_close(void *context)
{
	struct decoder *decoder = context;

	(void)decoder->zlib->inflate_end(&decoder->stream);
	free(decoder);
}

const struct inflate_codec inflate_zlib = {"gzip", zlib_open, zlib_run, zlib_close};
