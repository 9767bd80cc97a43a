/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/library.h"
#include "oci/zlib_private.h"

static struct zlib zlib; /* immutable once loaded */

static const struct library_symbol symbols[] = {
	{"deflateInit2_", &zlib.deflate_init},
	{"deflate", &zlib.deflate},
	{"deflateEnd", &zlib.deflate_end},
	{"inflateInit2_", &zlib.inflate_init},
	{"inflate", &zlib.inflate},
	{"inflateReset", &zlib.inflate_reset},
	{"inflateEnd", &zlib.inflate_end},
};

static struct library library = {LIBRARY("libz.so.1", symbols)}; /* since 1995 */

int zlib_load(const struct zlib **ret, struct diag *why)
{
	int r = library_want(&library, why);

	if (r == 0)
		*ret = &zlib;
	return r;
}
