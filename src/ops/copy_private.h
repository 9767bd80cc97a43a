/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * copy_private.h - what the steps of a copy share
 */
#ifndef LAMINA_OPS_COPY_PRIVATE_H
#define LAMINA_OPS_COPY_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "oci/reference.h"
#include "oci/transfer.h"
#include "ops/copy.h"

struct oci_manifest; /* oci/manifest.h */

/* Owned by one thread but for what says otherwise. */
struct copy {
	const struct copy_request *request;
	struct oci_reference from;
	struct oci_reference to;
	struct oci_source *source; /* owned; any thread */
	struct oci_target *target; /* owned; any thread */
	bool wants_plain;          /* the target takes no compressed layers */
	/* Repositories of the target's registry that have the blobs; NULL behind the last. */
	const char *repositories[2];

	_Atomic uint64_t done_bytes;
	_Atomic uint64_t done_count;
	_Atomic uint64_t present_count;
	_Atomic uint64_t mounted_count;
	_Atomic uint64_t sent_bytes;
	uint64_t all_bytes; /* of the manifests seen so far */
	uint64_t all_count;
};

/* Bring config and layers of a manifest to the target, several at a time. */
int copy_blobs(struct copy *copy, const struct oci_manifest *manifest, struct diag *why);

/* Say how far it is. Any thread. */
void copy_report(struct copy *copy);

/* A blob came into the target some way. Any thread. */
void copy_count(struct copy *copy, const struct oci_descriptor *blob, enum oci_transfer_way way);

/*
 * All of an image with its layers inflated, under the target's name; result->manifest becomes what
 * the target stands for.
 */
int copy_plain(struct copy *copy, const struct oci_manifest *manifest, struct copy_result *result,
	       struct diag *why);

#endif
