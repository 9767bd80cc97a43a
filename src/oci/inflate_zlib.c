/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * gzip by zlib: everywhere, and what sanitizers see into. zlib stops after the first member and
 * calls that success (manual, inflate()); the next one has to be begun by whoever reads on.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/diag.h"
#include "base/library.h"
#include "oci/inflate_private.h"

#define ZLIB_FILE "libz.so.1" /* since 1995 */
#define WINDOW_BITS (15 + 16) /* the largest window, and the wrapper of gzip */

static struct {
	__typeof__(inflateInit2_) *init;
	__typeof__(inflate) *run;
	__typeof__(inflateReset) *reset;
	__typeof__(inflateEnd) *end;
} zlib; /* immutable after once, as the next two */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;
static struct diag failure;

static void load(void)
{
	const struct library_symbol symbols[] = {
		{"inflateInit2_", &zlib.init},
		{"inflate", &zlib.run},
		{"inflateReset", &zlib.reset},
		{"inflateEnd", &zlib.end},
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
	if (zlib.init(stream, WINDOW_BITS, ZLIB_VERSION, (int)sizeof(*stream)) != Z_OK) {
		free(stream);
		return -ENOMEM;
	}
	*ret = stream;
	return 0;
}

static int zlib_run(void *decoder, struct span *input, struct inflate_room *room, struct diag *why)
{
	z_stream *stream = decoder;
	uInt in = input->size < UINT_MAX ? (uInt)input->size : UINT_MAX;
	uInt out = room->size < UINT_MAX ? (uInt)room->size : UINT_MAX;
	int r;

	stream->next_in = (z_const Bytef *)input->data;
	stream->avail_in = in;
	stream->next_out = room->data;
	stream->avail_out = out;
	r = zlib.run(stream, Z_NO_FLUSH);
	span_advance(input, in - stream->avail_in);
	room_advance(room, out - stream->avail_out);
	if (r == Z_STREAM_END)
		return zlib.reset(stream) == Z_OK ? 1 : -EIO;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r != Z_OK && r != Z_BUF_ERROR) /* the latter: nothing moved */
		return diag_set(why, -EUCLEAN, "damaged gzip data: %s",
				stream->msg ? stream->msg : "it goes on with something else");
	return 0;
}

static void zlib_close(void *decoder)
{
	(void)zlib.end(decoder);
	free(decoder);
}

const struct inflate_codec inflate_zlib = {"gzip", zlib_open, zlib_run, zlib_close};
