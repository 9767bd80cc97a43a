/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A manifest or an index, as a registry sends it. The first byte chooses what its source called it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/limits.h"
#include "oci/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct oci_manifest *manifest)
{
	const struct oci_platform wanted = {.os = "linux", .architecture = "amd64"};
	const struct oci_item *item;
	struct diag why = {0};

	if (oci_manifest_is_index(manifest)) {
		if (oci_index_choose(manifest, &wanted, &item, &why) < 0
			    ? !why.text[0]
			    : item->platform.os[0] && !oci_platform_match(&wanted, &item->platform))
			abort();
		return;
	}
	if (manifest->count > LAYER_COUNT_MAX ||
	    !digest_size((enum digest_algorithm)manifest->config.descriptor.digest.algorithm))
		abort();
	(void)oci_manifest_is_artifact(manifest);
	(void)oci_manifest_check_layers(manifest, &why);
	for (size_t i = 0; i < manifest->count; i++)
		(void)oci_annotation(manifest->items[i].annotations, "key");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oci_manifest *manifest = NULL;
	struct diag why = {0};
	const char *said;
	int r;

	if (size == 0)
		return 0;
	said = data[0] % 5 == 4 ? ""
				: oci_manifest_media_type((enum oci_manifest_type)(data[0] % 5));
	r = oci_manifest_parse(span_of(data + 1, size - 1), said, &manifest, &why);
	if (r < 0) {
		if (manifest || (r != -ENOMEM && !why.text[0]))
			abort();
		return 0;
	}
	look(manifest);
	oci_manifest_free(manifest);
	return 0;
}
