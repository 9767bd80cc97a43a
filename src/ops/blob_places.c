/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/blob_places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "oci/image.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "store/tags.h"

struct blob_place {
	struct digest blob;
	char *repository; /* owned */
};

void blob_places_release(struct blob_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free(places->items[i].repository);
	free(places->items);
	*places = (struct blob_places){0};
}

struct loading {
	const struct store *store;
	const struct oci_reference *target;
	struct blob_places places;
};

static int place_add(struct blob_places *places, const struct digest *blob, const char *repository)
{
	struct blob_place *items =
		reallocarray(places->items, places->count + 1, sizeof(*places->items));

	if (!items)
		return -ENOMEM;
	places->items = items;
	items[places->count] = (struct blob_place){*blob, strdup(repository)};
	if (!items[places->count].repository)
		return -ENOMEM;
	places->count++;
	return 0;
}

static int image_add(struct loading *loading, const struct oci_manifest *manifest,
		     const char *repository)
{
	int r = place_add(&loading->places, &manifest->config.descriptor.digest, repository);

	for (size_t i = 0; i < manifest->count && r == 0; i++)
		r = place_add(&loading->places, &manifest->items[i].descriptor.digest, repository);
	return r;
}

static int tag_add(void *context, const char *tag, const char *stream, struct diag *why)
{
	struct loading *loading = context;
	CLEAN(oci_reference_release) struct oci_reference reference = {0};
	CLEAN(oci_image_freep) struct oci_image *image = NULL;
	const struct oci_reference *target = loading->target;
	int r;

	(void)stream;
	(void)why;
	r = oci_reference_parse(tag, &reference, NULL);
	if (r < 0 || reference.transport != OCI_TRANSPORT_DOCKER ||
	    strcmp(reference.registry, target->registry) != 0 ||
	    strcmp(reference.repository, target->repository) == 0)
		return r == -ENOMEM ? r : 0;
	r = oci_image_open(loading->store, tag, &image, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return image_add(loading, image->manifest, reference.repository);
}

int blob_places_load(const struct store *store, const struct oci_reference *target,
		     struct blob_places *ret, struct diag *why)
{
	struct loading loading = {.store = store, .target = target};
	int r = tag_list(store, tag_add, &loading, why);

	if (r < 0) {
		blob_places_release(&loading.places);
		return r;
	}
	*ret = loading.places;
	return 0;
}

static bool is_listed(const char *const *repositories, const char *repository)
{
	for (; *repositories; repositories++) {
		if (strcmp(*repositories, repository) == 0)
			return true;
	}
	return false;
}

void blob_places_find(const struct blob_places *places, const struct digest *blob,
		      const char *ret[BLOB_PLACES_TRIED + 1])
{
	size_t count = 0;

	ret[0] = NULL;
	for (size_t i = 0; i < places->count && count < BLOB_PLACES_TRIED; i++) {
		const struct blob_place *place = &places->items[i];

		if (!digest_equal(&place->blob, blob) || is_listed(ret, place->repository))
			continue;
		ret[count++] = place->repository;
		ret[count] = NULL;
	}
}
