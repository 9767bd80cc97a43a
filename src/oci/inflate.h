/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * inflate.h - compressed bytes become plain ones
 *
 * Which compression it is, the first bytes say. A media type is not asked: where it says something
 * else, the digest of the plain bytes (the diff_id) still decides whether they are right, and so
 * nothing is gained by refusing what can be read.
 *
 *   gzip   RFC 1952, any number of members one after the other
 *   zstd   RFC 8878, any number of frames, skippable ones passed over
 *   else   the bytes are plain already
 *
 * What follows the last member or frame is an error, and so is an end within one. Owned by one
 * thread.
 */
#ifndef LAMINA_OCI_INFLATE_H
#define LAMINA_OCI_INFLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct diag;   /* base/diag.h */
struct pieces; /* base/pieces.h */
struct reader; /* base/reader.h */

#define INFLATE_MAGIC_SIZE 4 /* of zstd, the longest */

/* Whether data that begins with these INFLATE_MAGIC_SIZE bytes, or is these fewer, is compressed.
 */
bool inflate_knows(struct span head);

/*
 * A reader of the plain bytes of source, which outlives it. limit_bytes is how many there may be:
 * compressed data of some MiB can stand for terabytes.
 *
 * Reading gives, beside what source says:
 *   -EUCLEAN     damaged, or ends too early, or goes on with something else
 *   -E2BIG       more than limit_bytes, or a zstd frame that needs a larger window than we give
 *   -EOPNOTSUPP  the library for this compression is not there
 */
int inflate_open(const struct pieces *source, uint64_t limit_bytes, struct reader *ret);

#endif
