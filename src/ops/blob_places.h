/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * blob_places.h - in which repositories of a registry blobs are likely to lie
 *
 * An image that is called "HOST/PATH:TAG" here was pulled from there, mostly: its blobs can be
 * mounted into other repositories of HOST. A guess that costs one request where it is wrong.
 * Immutable once loaded.
 */
#ifndef LAMINA_OPS_BLOB_PLACES_H
#define LAMINA_OPS_BLOB_PLACES_H

#include <stddef.h>

struct blob_place;    /* one blob in one repository */
struct diag;          /* base/diag.h */
struct digest;        /* base/digest.h */
struct oci_reference; /* oci/reference.h */
struct store;         /* store/store.h */

/* Starts as {0}. */
struct blob_places {
	struct blob_place *items; /* owned */
	size_t count;
};

void blob_places_release(struct blob_places *places);

/*
 * Of the images that the store has tags of, those in the registry of target and in other
 * repositories of it. A damaged image is passed over.
 */
int blob_places_load(const struct store *store, const struct oci_reference *target,
		     struct blob_places *ret, struct diag *why);

/*
 * Up to BLOB_PLACES_TRIED repositories that may have the blob, and NULL behind them. They are owned
 * by places.
 */
#define BLOB_PLACES_TRIED 3
void blob_places_find(const struct blob_places *places, const struct digest *blob,
		      const char *ret[BLOB_PLACES_TRIED + 1]);

#endif
