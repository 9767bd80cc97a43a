/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Configuration of registries. Whatever is in it, a place to look is a name that a registry can
 * have, and what is blocked has no place.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "oci/registries_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct registry_places *places)
{
	if (places->count == 0)
		abort();
	for (size_t i = 0; i < places->count; i++) {
		const struct oci_reference *reference = &places->places[i].reference;

		if (!oci_registry_is_valid(span_of_string(reference->registry)) ||
		    !oci_repository_is_valid(span_of_string(reference->repository)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"docker://ubuntu", "h.io/a/b:1", "x.h.io:5000/c"};
	struct registries_conf conf = {0};
	struct diag why = {0};

	if (registries_conf_add(&conf, span_of(data, size), &why) < 0) {
		if (!why.text[0] || conf.count)
			abort();
		registries_conf_release(&conf);
		return 0;
	}
	for (size_t i = 0; i < 3; i++) {
		struct oci_reference reference;
		struct registry_places places;

		if (oci_reference_parse(names[i], &reference, NULL) < 0)
			abort();
		if (registries_conf_places(&conf, &reference, false, &places, &why) == 0) {
			check(&places);
			registry_places_release(&places);
		}
		oci_reference_release(&reference);
	}
	registries_conf_release(&conf);
	return 0;
}
