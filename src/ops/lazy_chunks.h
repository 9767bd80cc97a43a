/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazy_chunks.h - contents of a lazily pulled image, put together of chunks of a layer
 *
 * Each chunk is inflated within bounds, and held to its digest, and in the end the whole to its
 * own, before it gets the name by which it is found. Any thread.
 */
#ifndef LAMINA_OPS_LAZY_CHUNKS_H
#define LAMINA_OPS_LAZY_CHUNKS_H

struct diag;          /* base/diag.h */
struct lazy_contents; /* ops/lazy_table.h */
struct lazy_image;    /* ops/lazy.h */
struct lazy_table;    /* ops/lazy_table.h */
struct oci_source;    /* oci/source.h */

/*
 * Bring contents of the table into the folder of the image, by as few requests as chunks that lie
 * apart. On failure nothing is left of them.
 *
 *   -EBADMSG, -EUCLEAN  what came is not what was promised
 *   as oci_source_range()
 */
int lazy_contents_take(const struct lazy_image *image, const struct lazy_table *table,
		       struct oci_source *source, const struct lazy_contents *contents,
		       struct diag *why);

#endif
