/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/diag.h"
#include "base/library.h"
#include "oci/deflate_private.h"

#define ZLIB_FILE "libz.so.1" /* since 1995 */
#define WINDOW_BITS (15 + 16) /* the largest window, and the wrapper of gzip */
#define MEMORY_LEVEL 8        /* zlib's default (zconf.h) */

static struct {
	__typeof__(deflateInit2_) *init;
	__typeof__(deflate) *run;
	__typeof__(deflateEnd) *end;
} zlib; /* immutable after once, as the next two */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;
static struct diag failure;

static void load(void)
{
	const struct library_symbol symbols[] = {
		{"deflateInit2_", &zlib.init},
		{"deflate", &zlib.run},
		{"deflateEnd", &zlib.end},
	};

	is_loaded = library_load(ZLIB_FILE, symbols, sizeof(symbols) / sizeof(symbols[0]),
				 &failure) == 0;
}

static int zlib_open(void **ret, struct diag *why)
{
	z_stream *stream;

	(void)pthread_once(&once, load);
	if (!is_loaded)
		return diag_set(why, -EOPNOTSUPP, "%s", failure.text);
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	if (zlib.init(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
		      Z_DEFAULT_STRATEGY, ZLIB_VERSION, (int)sizeof(*stream)) != Z_OK) {
		free(stream);
		return -ENOMEM;
	}
	*ret = stream;
	return 0;
}

static int zlib_run(void *encoder, struct span *input, bool is_last, struct deflate_room *room,
		    struct diag *why)
{
	z_stream *stream = encoder;
	uInt in = input->size < UINT_MAX ? (uInt)input->size : UINT_MAX;
	uInt out = room->size < UINT_MAX ? (uInt)room->size : UINT_MAX;
	int r;

	stream->next_in = (z_const Bytef *)input->data;
	stream->avail_in = in;
	stream->next_out = room->data;
	stream->avail_out = out;
	r = zlib.run(stream, is_last && in == input->size ? Z_FINISH : Z_NO_FLUSH);
	in -= stream->avail_in;
	out -= stream->avail_out;
	*input = span_of(input->data + in, input->size - in);
	*room = (struct deflate_room){room->data + out, room->size - out};
	if (r == Z_STREAM_END)
		return 1;
	/* Z_BUF_ERROR: nothing was possible this time, for want of room or input */
	return r == Z_OK || r == Z_BUF_ERROR ? 0 : diag_set(why, -EIO, "zlib cannot compress");
}

static void zlib_close(void *encoder)
{
	(void)zlib.end(encoder);
	free(encoder);
}

const struct deflate_codec deflate_zlib = {zlib_open, zlib_run, zlib_close};
