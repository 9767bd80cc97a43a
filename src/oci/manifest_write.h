/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * manifest_write.h - the manifest of an image whose layers are other blobs than they were
 */
#ifndef LAMINA_OCI_MANIFEST_WRITE_H
#define LAMINA_OCI_MANIFEST_WRITE_H

#include <stddef.h>

struct buf;          /* base/buf.h */
struct oci_item;     /* oci/manifest.h */
struct oci_manifest; /* oci/manifest.h */

/*
 * Append a manifest of OCI (OCI_MANIFEST) with the config and the annotations of old, and these
 * layers, as many as old has. Docker's media types become those of OCI. The same input gives the
 * same bytes. Returns 0 or -ENOMEM.
 */
int oci_manifest_rewrite(const struct oci_manifest *old, const struct oci_item *layers,
			 struct buf *ret);

#endif
