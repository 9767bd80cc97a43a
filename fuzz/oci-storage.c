/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The lists of a store: images, and behind a NUL its layers. What is found in them is in them.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "oci/storage_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID "1111111111111111111111111111111111111111111111111111111111111111"
#define STORAGE "containers-storage:"

static void layers_check(const struct storage_roots *roots, const struct storage_image *image)
{
	for (size_t count = 0; count < 4; count++) {
		struct storage_layer *layers = NULL;
		struct diag why = {0};
		int r = storage_layers_find(roots, image, count, &layers, &why);

		if (r < 0 && !why.text[0])
			abort();
		for (size_t i = 0; r == 0 && i < count; i++) {
			if (layers[i].root != &roots->items[0] || !layers[i].id)
				abort();
		}
		free(layers);
	}
}

static void images_check(const struct storage_roots *roots)
{
	static const char *const names[] = {
		STORAGE "it",
		STORAGE ID,
		STORAGE "111",
		STORAGE "h.io/a/b:1",
		STORAGE "h.io/a/b@sha256:" ID,
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct oci_reference reference;
		struct storage_image image = {0};
		const char *name = NULL;
		struct diag why = {0};

		if (oci_reference_parse(names[i], &reference, NULL) < 0)
			abort();
		if (storage_image_find(roots, &reference, &image, &name, &why) == 0) {
			if (image.root != &roots->items[0] || !image.id[0])
				abort();
			layers_check(roots, &image);
		} else if (!why.text[0]) {
			abort();
		}
		oci_reference_release(&reference);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *middle = size ? memchr(data, '\0', size) : NULL;
	size_t first = middle ? (size_t)(middle - data) : size;
	struct storage_root root = {.driver = storage_driver_find("overlay")};
	struct storage_roots roots = {&root, 1};
	struct span layers = SPAN_EMPTY;

	(void)span_from(span_of(data, size), first + 1, &layers);
	if (oci_json_list_load(span_of(data, first), &root.images, NULL) == 0 &&
	    oci_json_list_load(layers, &root.layers, NULL) == 0 &&
	    storage_layers_index(&root, NULL) == 0)
		images_check(&roots);
	map_release(&root.by_id);
	oci_json_releasep(&root.images);
	oci_json_releasep(&root.layers);
	return 0;
}
