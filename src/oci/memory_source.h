/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * memory_source.h - an image that was just made, as a source: its documents in memory
 *
 * Its layers are where it is pulled to already.
 */
#ifndef LAMINA_OCI_MEMORY_SOURCE_H
#define LAMINA_OCI_MEMORY_SOURCE_H

struct buf;        /* base/buf.h */
struct diag;       /* base/diag.h */
struct oci_source; /* oci/source.h */

/*
 * Both bufs are taken in every case. The only blob is the config; any other is -ENOENT: a layer
 * that should be in the repository, and is not.
 */
int oci_memory_source_new(struct buf *config, struct buf *manifest, struct oci_source **ret,
			  struct diag *why);

#endif
