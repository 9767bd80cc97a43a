/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * zlib_private.h - what we use of zlib, loaded when something is packed or unpacked
 *
 * docs/decisions/0009 has the reason: mounting an image unpacks nothing.
 */
#ifndef LAMINA_OCI_ZLIB_PRIVATE_H
#define LAMINA_OCI_ZLIB_PRIVATE_H

#include <zlib.h>

struct diag; /* base/diag.h */

#define ZLIB_GZIP_WINDOW_BITS (15 + 16) /* the largest window, and the wrapper of gzip */

/* Immutable once loaded; for the life of the process. Functions as in zlib.h. */
struct zlib {
	__typeof__(deflateInit2_) *deflate_init;
	__typeof__(deflate) *deflate;
	__typeof__(deflateEnd) *deflate_end;
	__typeof__(inflateInit2_) *inflate_init;
	__typeof__(inflate) *inflate;
	__typeof__(inflateReset) *inflate_reset;
	__typeof__(inflateEnd) *inflate_end;
};

/* Any thread. Sets *ret, or returns -EOPNOTSUPP where there is no zlib. */
int zlib_load(const struct zlib **ret, struct diag *why);

#endif
