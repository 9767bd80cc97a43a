/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * zstd.h - what we use of libzstd, loaded when something is packed or unpacked
 *
 * docs/decisions/0009 has the reason: mounting an image unpacks nothing.
 */
#ifndef LAMINA_STORE_ZSTD_H
#define LAMINA_STORE_ZSTD_H

#include <zstd.h>
#include <zstd_errors.h>

struct diag; /* base/diag.h */

/* Immutable once loaded; for the life of the process. Functions as in zstd.h. */
struct zstd {
	__typeof__(ZSTD_createCCtx) *compressor_new;
	__typeof__(ZSTD_freeCCtx) *compressor_free;
	__typeof__(ZSTD_CCtx_setParameter) *compressor_set;
	__typeof__(ZSTD_compressStream2) *compress;
	__typeof__(ZSTD_createDCtx) *decompressor_new;
	__typeof__(ZSTD_freeDCtx) *decompressor_free;
	__typeof__(ZSTD_DCtx_setParameter) *decompressor_set;
	__typeof__(ZSTD_decompressStream) *decompress;
	__typeof__(ZSTD_isError) *is_error;
	__typeof__(ZSTD_getErrorCode) *error_code;
	__typeof__(ZSTD_getErrorName) *error_name;
};

/* Any thread. Sets *ret, or returns -EOPNOTSUPP where there is no libzstd. */
int zstd_load(const struct zstd **ret, struct diag *why);

#endif
