/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fetch.h - small blobs of a source, held to what was promised of them
 */
#ifndef LAMINA_OCI_FETCH_H
#define LAMINA_OCI_FETCH_H

#include <stddef.h>

#include "oci/descriptor.h"

struct buf;        /* base/buf.h */
struct diag;       /* base/diag.h */
struct oci_source; /* oci/source.h */

/*
 * Append a blob that is kept in memory: a config, a manifest.
 *
 *   -EBADMSG  another size or digest than the descriptor says
 *   -E2BIG    the descriptor says more than limit bytes
 *   -ENOENT   as of oci_source_blob()
 */
int oci_fetch(struct oci_source *source, const struct oci_descriptor *blob, size_t limit,
	      struct buf *ret, struct diag *why);

/*
 * Append a manifest or an index: that of the reference when which is NULL, else one that an index
 * lists, which then is held to its descriptor. media_type[MEDIA_TYPE_SIZE_MAX] is as of
 * oci_source_manifest(). *ret_digest: what it is called, the SHA-256 unless which or the source
 * (oci_source_name()) says otherwise.
 */
int oci_fetch_manifest(struct oci_source *source, const struct oci_descriptor *which,
		       struct buf *ret, char *media_type, struct digest *ret_digest,
		       struct diag *why);

/* Whether bytes have the digest that was promised: 0, -EBADMSG, or what hashing returned. */
int oci_digest_check(const struct digest *promised, struct span bytes, struct diag *why);

/* Whether they have the size, too. */
int oci_descriptor_check(const struct oci_descriptor *descriptor, struct span bytes,
			 struct diag *why);

#endif
