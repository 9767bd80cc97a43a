/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/diag.h"
#include "base/library.h"
#include "base/limits.h"
#include "oci/inflate_private.h"

#define ZSTD_FILE "libzstd.so.1" /* the interface has been stable since 1.4 */

static struct {
	__typeof__(ZSTD_createDCtx) *create;
	__typeof__(ZSTD_freeDCtx) *free;
	__typeof__(ZSTD_DCtx_setParameter) *set;
	__typeof__(ZSTD_decompressStream) *run;
	__typeof__(ZSTD_isError) *is_error;
	__typeof__(ZSTD_getErrorCode) *error_code;
	__typeof__(ZSTD_getErrorName) *error_name;
} zstd; /* immutable after once, as the next two */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded;
static struct diag failure;

static void load(void)
{
	const struct library_symbol symbols[] = {
		{"ZSTD_createDCtx", &zstd.create},       {"ZSTD_freeDCtx", &zstd.free},
		{"ZSTD_DCtx_setParameter", &zstd.set},   {"ZSTD_decompressStream", &zstd.run},
		{"ZSTD_isError", &zstd.is_error},        {"ZSTD_getErrorCode", &zstd.error_code},
		{"ZSTD_getErrorName", &zstd.error_name},
	};

	is_loaded = library_load(ZSTD_FILE, symbols, sizeof(symbols) / sizeof(symbols[0]),
				 &failure) == 0;
}

static int zstd_open(void **ret, struct diag *why)
{
	ZSTD_DCtx *context;

	(void)pthread_once(&once, load);
	if (!is_loaded)
		return diag_set(why, -EOPNOTSUPP, "%s", failure.text);
	context = zstd.create();
	if (!context)
		return -ENOMEM;
	(void)zstd.set(context, ZSTD_d_windowLogMax, LAYER_ZSTD_WINDOW_LOG_MAX);
	*ret = context;
	return 0;
}

/* Frames follow each other without our help, skippable ones give nothing. */
static int zstd_run(void *decoder, struct span *input, struct inflate_room *room, struct diag *why)
{
	ZSTD_inBuffer in = {input->data, input->size, 0};
	ZSTD_outBuffer out = {room->data, room->size, 0};
	size_t left = zstd.run(decoder, &out, &in);

	span_advance(input, in.pos);
	room_advance(room, out.pos);
	if (!zstd.is_error(left))
		return left == 0;
	switch (zstd.error_code(left)) {
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_frameParameter_windowTooLarge:
		return diag_set(why, -E2BIG, "a zstd frame needs a window of more than %u MiB",
				1U << (LAYER_ZSTD_WINDOW_LOG_MAX - 20));
	default:
		return diag_set(why, -EUCLEAN, "damaged zstd data: %s", zstd.error_name(left));
	}
}

static void zstd_close(void *decoder)
{
	(void)zstd.free(decoder);
}

const struct inflate_codec inflate_zstd = {"zstd", zstd_open, zstd_run, zstd_close};
