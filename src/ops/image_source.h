/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * image_source.h - where an OCI image comes from, whatever its transport is
 */
#ifndef LAMINA_OPS_IMAGE_SOURCE_H
#define LAMINA_OPS_IMAGE_SOURCE_H

struct buf;              /* base/buf.h */
struct diag;             /* base/diag.h */
struct digest;           /* base/digest.h */
struct oci_descriptor;   /* oci/descriptor.h */
struct oci_reference;    /* oci/reference.h */
struct oci_source;       /* oci/source.h */
struct registry_options; /* oci/registry.h */

/*
 * Open the source that a reference names. *ret_name is what the image calls itself, if it does,
 * else NULL; the caller owns it. Errors as of registry_open() and oci_layout_open().
 */
int image_source_open(const struct oci_reference *reference, const struct registry_options *options,
		      struct oci_source **ret, char **ret_name, struct diag *why);

/*
 * oci_fetch_manifest(). Who asked for a digest (which is NULL then) gets what has that, and is
 * called so, whatever the source says of its answer: -EBADMSG.
 */
int image_source_manifest(struct oci_source *source, const struct oci_reference *reference,
			  const struct oci_descriptor *which, struct buf *ret, char *media_type,
			  struct digest *ret_digest, struct diag *why);

#endif
