/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * derive.h - the config and the manifest of an image that is another one and more layers
 *
 * OCI image specification 1.1, "Image Configuration" and "Image Manifest". What the base's config
 * says of anything stays, unless it is changed here; its layers keep their digests, under the media
 * types of OCI. The bytes depend on nothing but the request.
 */
#ifndef LAMINA_OCI_DERIVE_H
#define LAMINA_OCI_DERIVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

struct buf;       /* base/buf.h */
struct diag;      /* base/diag.h */
struct oci_image; /* oci/image.h */

/* A layer that is kept without compression: the diff_id is the digest of its blob, too. */
struct derive_layer {
	struct digest diff_id;
	uint64_t tar_bytes;
	const char *created_by; /* what its entry of the history says */
	const char *comment;    /* NULL: nothing */
};

struct derive_request {
	const struct oci_image *base;      /* NULL: none */
	const struct derive_layer *layers; /* on top of the base's, from the bottom up */
	size_t layer_count;
	int64_t created;            /* seconds since 1970 */
	const char *author;         /* NULL: as the base */
	const char *const *changes; /* as of derive_change(), NULL behind the last; or NULL */
};

/*
 * Write both documents at the end of the bufs.
 *
 *   -EINVAL   an instruction that is none; text that is not UTF-8; a time past the year 9999; a
 *             base that is an artifact
 *   -EUCLEAN  a base whose documents make no sense
 *   -E2BIG    more than LAYER_COUNT_MAX layers, a list of more than CONFIG_LIST_MAX
 *   -ENOMEM
 */
int derive_documents(const struct derive_request *request, struct buf *config, struct buf *manifest,
		     struct diag *why);

#endif
