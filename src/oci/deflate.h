/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * deflate.h - plain bytes become compressed ones, for layers that leave us
 *
 * The same bytes give the same result with one version of the library, not between versions: what
 * has a digest already must be kept, not made again. Owned by one thread.
 */
#ifndef LAMINA_OCI_DEFLATE_H
#define LAMINA_OCI_DEFLATE_H

struct diag;   /* base/diag.h */
struct reader; /* base/reader.h */

enum compression {
	COMPRESSION_NONE,
	COMPRESSION_GZIP, /* one member, RFC 1952, without name and time */
	COMPRESSION_ZSTD, /* one frame, RFC 8878, with a checksum */
};
#define COMPRESSION_COUNT 3

/* "none", "gzip" or "zstd". */
const char *compression_name(enum compression compression);

/*
 * A reader of the compressed bytes of source, which stays the caller's and outlives it. Not for
 * COMPRESSION_NONE. Returns 0, -ENOMEM, or -EOPNOTSUPP where the library is not there; reading
 * gives what source says.
 */
int deflate_open(enum compression compression, const struct reader *source, struct reader *ret,
		 struct diag *why);

#endif
