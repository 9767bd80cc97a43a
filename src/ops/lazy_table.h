/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazy_table.h - where to fetch contents from, by their SHA-256
 *
 * A file of ours, beside the image that is made of the same tables of contents (ops/lazy.h):
 *
 *   offset  size
 *   0       16     "lamina-lazy-1", padded with NUL
 *   16      8      count of contents; 24: 8, count of chunks
 *   32      56     for each of the contents, in the order of their SHA-256: that (32), size (8),
 *                  index of the first chunk (8), count of chunks (4), layer of the manifest (4)
 *   ...     72     for each chunk: offset, end, skip and size as of struct toc_chunk (8 each),
 *                  SHA-256 (32), flags (4: 1 zeros, 2 the SHA-256 counts), 4 unused
 */
#ifndef LAMINA_OPS_LAZY_TABLE_H
#define LAMINA_OPS_LAZY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/span.h"
#include "oci/toc.h"

struct diag;       /* base/diag.h */
struct digest_set; /* base/digest_set.h */

struct lazy_contents {
	struct digest digest; /* SHA-256 */
	uint64_t size;        /* bytes */
	uint64_t chunk_first;
	uint32_t chunk_count;
	uint32_t layer;
};

/* Of contents that are in several layers, those of the first. Owned by one thread. */
struct lazy_table_maker {
	struct buf contents; /* of struct lazy_contents */
	struct buf chunks;   /* as on disk */
};

void lazy_table_maker_release(struct lazy_table_maker *maker);
/* Add the contents of a layer's files that are wanted, by their SHA-256. 0 or -ENOMEM. */
int lazy_table_add(struct lazy_table_maker *maker, const struct toc *toc, uint32_t layer,
		   const struct digest_set *wanted);
/* Append the file. *ret_count: contents; *ret_bytes: of all of them. 0 or -ENOMEM. */
int lazy_table_make(struct lazy_table_maker *maker, struct buf *ret, uint64_t *ret_count,
		    uint64_t *ret_bytes);

/* Immutable; the bytes are borrowed. */
struct lazy_table {
	struct span contents;
	struct span chunks;
	uint64_t count;
};

/* -EUCLEAN: not such a file. */
int lazy_table_open(struct span bytes, struct lazy_table *ret, struct diag *why);

/* -ENOENT: no such contents; -EUCLEAN: chunks that are not there. */
int lazy_table_find(const struct lazy_table *table, const struct digest *digest,
		    struct lazy_contents *ret);
/* index < table->count. -EUCLEAN. */
int lazy_table_at(const struct lazy_table *table, uint64_t index, struct lazy_contents *ret);

/* Of contents that were found: index < chunk_count. */
struct toc_chunk lazy_table_chunk(const struct lazy_table *table,
				  const struct lazy_contents *contents, uint32_t index);

#endif
