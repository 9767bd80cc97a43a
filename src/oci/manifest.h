/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * manifest.h - what an image consists of: the descriptors of its config and layers, or of its
 * variants
 *
 * OCI image specification 1.1, "Image Manifest" and "Image Index"; Docker "Image Manifest Version
 * 2, Schema 2" with its manifest list. A document that could be read as both kinds is refused
 * (CVE-2021-41190). Immutable once parsed.
 */
#ifndef LAMINA_OCI_MANIFEST_H
#define LAMINA_OCI_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "oci/descriptor.h"
#include "oci/platform.h"

struct diag;   /* base/diag.h */
struct json_t; /* jansson.h */

enum oci_manifest_type {
	OCI_MANIFEST,
	OCI_INDEX,
	DOCKER_MANIFEST,
	DOCKER_LIST,
};

/* A descriptor with what a manifest says beside it; all pointers are into the document. */
struct oci_item {
	struct oci_descriptor descriptor;
	const struct json_t *annotations; /* of strings; NULL: none */
	struct oci_platform platform;     /* of an index; os is "" where it has none */
};

struct oci_manifest {
	enum oci_manifest_type type;
	struct oci_item config; /* of a manifest */
	struct oci_item *items; /* owned; layers from the base up, or the manifests of an index */
	size_t count;           /* of items; layers: at most LAYER_COUNT_MAX */
	const char *artifact_type; /* NULL: none */
	const struct json_t *annotations;
	struct json_t *document; /* owned */
};

/*
 * Read a manifest or an index. media_type is what its source or its descriptor called it; "" or a
 * type that is none of the four is no statement, and then the document itself has to tell.
 *
 *   -EUCLEAN     malformed; of another type than was said; two kinds at once
 *   -EOPNOTSUPP  Docker's schema 1
 *   -E2BIG       more than LAYER_COUNT_MAX layers, or what oci/json.h says
 */
int oci_manifest_parse(struct span raw, const char *media_type, struct oci_manifest **ret,
		       struct diag *why);
void oci_manifest_free(struct oci_manifest *manifest); /* NULL is fine */
void oci_manifest_freep(struct oci_manifest **manifest);

/* "application/vnd..." */
const char *oci_manifest_media_type(enum oci_manifest_type type);

static inline bool oci_manifest_is_index(const struct oci_manifest *manifest)
{
	return manifest->type == OCI_INDEX || manifest->type == DOCKER_LIST;
}

/* A manifest whose config is not that of a container image: its blobs are not layers of files. */
bool oci_manifest_is_artifact(const struct oci_manifest *manifest);

/*
 * Whether all layers of an image are tar archives that can be unpacked.
 *
 *   -EOPNOTSUPP  encrypted, or something else (an attestation, say)
 */
int oci_manifest_check_layers(const struct oci_manifest *manifest, struct diag *why);

/*
 * The manifest of an index for a platform: the best variant, of equal ones the first. One without a
 * platform is taken where no other fits. -ENOENT: there is none; the message names those there are.
 */
int oci_index_choose(const struct oci_manifest *index, const struct oci_platform *wanted,
		     const struct oci_item **ret, struct diag *why);

/* An annotation, borrowed; NULL: there is none. annotations may be NULL. */
const char *oci_annotation(const struct json_t *annotations, const char *key);

#endif
