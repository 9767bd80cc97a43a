/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/diag.h"
#include "base/library.h"
#include "oci/deflate_private.h"

#define ZSTD_FILE "libzstd.so.1" /* since 1.0 */

static struct {
	__typeof__(ZSTD_createCCtx) *create;
	__typeof__(ZSTD_freeCCtx) *end;
	__typeof__(ZSTD_CCtx_setParameter) *set;
	__typeof__(ZSTD_compressStream2) *run;
	__typeof__(ZSTD_isError) *is_error;
} zstd; /* immutable after once, as the next two */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;
static struct diag failure;

static void load(void)
{
	const struct library_symbol symbols[] = {
		{"ZSTD_createCCtx", &zstd.create},     {"ZSTD_freeCCtx", &zstd.end},
		{"ZSTD_CCtx_setParameter", &zstd.set}, {"ZSTD_compressStream2", &zstd.run},
		{"ZSTD_isError", &zstd.is_error},
	};

	is_loaded = library_load(ZSTD_FILE, symbols, sizeof(symbols) / sizeof(symbols[0]),
				 &failure) == 0;
}

static int zstd_open(void **ret, struct diag *why)
{
	ZSTD_CCtx *encoder;

	(void)pthread_once(&once, load);
	if (!is_loaded)
		return diag_set(why, -EOPNOTSUPP, "%s", failure.text);
	encoder = zstd.create();
	if (!encoder)
		return -ENOMEM;
	(void)zstd.set(encoder, ZSTD_c_checksumFlag, 1);
	*ret = encoder;
	return 0;
}

static int zstd_run(void *encoder, struct span *input, bool is_last, struct deflate_room *room,
		    struct diag *why)
{
	ZSTD_inBuffer in = {input->data, input->size, 0};
	ZSTD_outBuffer out = {room->data, room->size, 0};
	size_t left = zstd.run(encoder, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);

	if (zstd.is_error(left))
		return diag_set(why, -EIO, "zstd cannot compress");
	*input = span_of(input->data + in.pos, input->size - in.pos);
	*room = (struct deflate_room){room->data + out.pos, room->size - out.pos};
	return is_last && left == 0 && input->size == 0;
}

static void zstd_close(void *encoder)
{
	(void)zstd.end(encoder);
}

const struct deflate_codec deflate_zstd = {zstd_open, zstd_run, zstd_close};
