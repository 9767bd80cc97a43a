/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/diag.h"
#include "base/library.h"
#include "store/zstd_private.h"

/* The interface has been stable since 1.4; the number never changed. */
#define ZSTD_FILE "libzstd.so.1"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct zstd zstd; /* immutable after once, as the next two */
static bool is_loaded;
static struct diag failure;

static void load(void)
{
	const struct library_symbol symbols[] = {
		{"ZSTD_createCCtx", &zstd.compressor_new},
		{"ZSTD_freeCCtx", &zstd.compressor_free},
		{"ZSTD_CCtx_setParameter", &zstd.compressor_set},
		{"ZSTD_compressStream2", &zstd.compress},
		{"ZSTD_createDCtx", &zstd.decompressor_new},
		{"ZSTD_freeDCtx", &zstd.decompressor_free},
		{"ZSTD_DCtx_setParameter", &zstd.decompressor_set},
		{"ZSTD_decompressStream", &zstd.decompress},
		{"ZSTD_isError", &zstd.is_error},
		{"ZSTD_getErrorName", &zstd.error_name},
	};

	is_loaded = library_load(ZSTD_FILE, symbols, sizeof(symbols) / sizeof(symbols[0]),
				 &failure) == 0;
}

int zstd_load(const struct zstd **ret, struct diag *why)
{
	(void)pthread_once(&once, load);
	if (!is_loaded)
		return diag_set(why, -EOPNOTSUPP, "%s", failure.text);
	*ret = &zstd;
	return 0;
}
