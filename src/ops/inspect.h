/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * inspect.h - what is known of a pulled image
 *
 * Immutable once made; all pointers live as long as it does.
 */
#ifndef LAMINA_OPS_INSPECT_H
#define LAMINA_OPS_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/span.h"
#include "oci/config.h"
#include "oci/descriptor.h"

struct diag;      /* base/diag.h */
struct oci_image; /* oci/image.h */
struct store;     /* store/store.h */

struct inspected_layer {
	const struct oci_descriptor *blob;
	struct digest diff_id;  /* DIGEST_NONE: of an artifact */
	uint64_t tar_bytes;     /* without compression; 0: its stream cannot be read */
	size_t object_count;    /* files of it that are objects */
	bool is_blob_kept;      /* the compressed bytes, too */
	const char *created_by; /* NULL: nobody knows */
};

struct inspected_label {
	const char *key;
	const char *value;
};

struct inspected {
	struct digest manifest; /* as OCI has it */
	struct digest image;    /* EROFS; DIGEST_NONE: there is none */
	const char *media_type;
	const char *artifact_type; /* NULL: none */
	const struct oci_descriptor *config_blob;
	const struct oci_config *config; /* NULL: an artifact */
	struct span manifest_bytes;      /* to the byte what was pulled */
	struct span config_bytes;
	struct inspected_layer *layers; /* owned; from the base up */
	size_t layer_count;
	/*
	 * owned; the layer that each entry of the config's history made; NULL: none, or nobody can
	 * tell
	 */
	const struct inspected_layer **history_layers;
	struct inspected_label *labels; /* owned */
	size_t label_count;
	bool is_lazy; /* pulled lazily: not all contents are here */
	uint64_t lazy_count;
	uint64_t lazy_bytes;
	uint64_t here_count; /* of them */
	uint64_t here_bytes;
	bool is_being_filled;     /* a process pulls the rest */
	struct buf fill_failure;  /* owned; why it does not any more; empty: nobody tried */
	struct oci_image *opened; /* owned */
};

/* Errors as of oci_image_open(); -EINVAL for an image that was imported, of which nothing is known.
 */
int inspect_image(const struct store *store, const char *text, struct inspected **ret,
		  struct diag *why);
void inspected_free(struct inspected *inspected); /* NULL is fine */
void inspected_freep(struct inspected **inspected);

#endif
