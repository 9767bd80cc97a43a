/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * export_private.h - what the steps of an export share
 */
#ifndef LAMINA_OPS_EXPORT_PRIVATE_H
#define LAMINA_OPS_EXPORT_PRIVATE_H

#include <stdint.h>

#include "base/digest.h"
#include "oci/descriptor.h"
#include "ops/blob_places.h"
#include "ops/export.h"

struct buf;        /* base/buf.h */
struct oci_image;  /* oci/image.h */
struct oci_target; /* oci/target.h */

struct export_layer {
	struct oci_descriptor descriptor; /* in the target */
	struct digest stream;             /* what it is made of */
	bool is_blob;                     /* the stream holds the blob as it is, not a layer */
	bool is_same;                     /* descriptor is that of the manifest that was pulled */
	enum compression compression;     /* to be done */
	uint64_t planned_bytes;           /* to be read, if the target has nothing */
	uint64_t counted_bytes;           /* in export->done_bytes */
};

struct export
{
	const struct export_request *request;
	const struct store *store;   /* borrowed */
	struct oci_image *image;     /* owned */
	struct oci_target *target;   /* owned */
	bool wants_plain;            /* the target takes no compressed layers */
	bool is_push;                /* the target is a registry */
	struct blob_places places;   /* of the target's registry */
	struct export_layer *layers; /* owned; as many as the manifest has */

	_Atomic uint64_t done_bytes;
	_Atomic uint64_t done_count;
	_Atomic uint64_t present_count;
	_Atomic uint64_t mounted_count;
	uint64_t all_bytes;
};

/* What each layer is made of: export->layers. */
int export_plan(struct export *export, struct diag *why);

void export_report(struct export *export);

/* Bring one layer to the target. Its descriptor is complete then. Any thread. */
int export_layer(struct export *export, struct export_layer *layer, struct diag *why);

/* Bring the config. */
int export_config(struct export *export, struct diag *why);

/* Bring all layers to the target, several at a time; their descriptors are complete then. */
int export_layers(struct export *export, struct diag *why);

/*
 * The manifest of the layers as they are in the target: that which was pulled, if they are the
 * same, else a new one of OCI. Appends it; *ret_type is a literal.
 */
int export_manifest(const struct export *export, struct buf *ret, const char **ret_type,
		    struct diag *why);

#endif
