/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/zstd.h"

#include "base/library.h"

static struct zstd zstd; /* immutable once loaded */

static const struct library_symbol symbols[] = {
	{"ZSTD_createCCtx", &zstd.compressor_new},
	{"ZSTD_freeCCtx", &zstd.compressor_free},
	{"ZSTD_CCtx_setParameter", &zstd.compressor_set},
	{"ZSTD_compressStream2", &zstd.compress},
	{"ZSTD_createDCtx", &zstd.decompressor_new},
	{"ZSTD_freeDCtx", &zstd.decompressor_free},
	{"ZSTD_DCtx_setParameter", &zstd.decompressor_set},
	{"ZSTD_decompressStream", &zstd.decompress},
	{"ZSTD_isError", &zstd.is_error},
	{"ZSTD_getErrorCode", &zstd.error_code},
	{"ZSTD_getErrorName", &zstd.error_name},
};

/* The interface has been stable since 1.4; the number never changed. */
static struct library library = {LIBRARY("libzstd.so.1", symbols)};

int zstd_load(const struct zstd **ret, struct diag *why)
{
	int r = library_want(&library, why);

	if (r == 0)
		*ret = &zstd;
	return r;
}
