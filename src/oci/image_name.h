/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * image_name.h - what images and their parts are called in a repository
 *
 * composefs-repository.md, 2.7: streams are called "oci-<part>-<digest>"; tags lead to manifests.
 */
#ifndef LAMINA_OCI_IMAGE_NAME_H
#define LAMINA_OCI_IMAGE_NAME_H

#include <stdbool.h>

#include "base/digest.h"
#include "store/streams.h"

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

/* Hex digits of a digest that are taken for it, and that people are shown. */
#define OCI_DIGEST_BRIEF_SIZE 12

/* Whether text is so many of them or more, in lower case, and nothing else. */
bool oci_digest_is_brief(const char *text);

enum oci_part {
	OCI_PART_LAYER, /* by its diff_id; of an artifact, by the digest of the blob */
	OCI_PART_CONFIG,
	OCI_PART_MANIFEST,
	OCI_PART_BLOB,
};

/* "oci-manifest-sha256:..." into name[STREAM_NAME_SIZE_MAX]. Returns name. */
char *oci_stream_name(enum oci_part part, const struct digest *digest, char *name);

/* The digest that such a name ends in. Returns 0, or -EINVAL for another part or no such name. */
int oci_stream_digest(enum oci_part part, const char *name, struct digest *ret);

/*
 * The manifest that a user means: by a tag as it stands there; by the digest of the manifest
 * ("sha256:...", "@sha256:..."); by what a tag is short for, "debian" for
 * "docker.io/library/debian:latest"; or by the first OCI_DIGEST_BRIEF_SIZE or more hex digits of
 * the digest of a manifest that has a tag, as 'lamina images' shows them. What is short for a tag
 * is no guess here, unlike in a pull: the tag is there or not.
 *
 * *ret_digest is what OCI calls the manifest, *ret_id its stream. -ENOENT: there is none; -EAGAIN:
 * the tag is that of a lazily pulled image, which is not all here yet; -EINVAL: several begin so.
 */
int oci_image_find(const struct store *store, const char *text, struct digest *ret_digest,
		   struct digest *ret_id, struct diag *why);

/*
 * What text is short for as the name of a registry's image: "docker.io/library/debian:latest" of
 * "debian" and of "docker://debian". The caller owns it. NULL when it is no such name.
 */
char *oci_tag_full(const char *text);

/* Remove the tag that text is, or else is short for. -ENOENT. Its manifest may be gone. */
int oci_tag_remove(struct store *store, const char *text, struct diag *why);

/*
 * Whether people may call an image so: 0, or -EINVAL with the reason. Beside what tag_check() says,
 * it must not read as a digest.
 */
int oci_tag_check(const char *tag, struct diag *why);

#endif
