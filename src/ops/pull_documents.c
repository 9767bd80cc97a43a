/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pull_documents.c - the manifest of a platform, and the config that goes with it
 */
#include <errno.h>

#include "base/diag.h"
#include "base/limits.h"
#include "oci/config.h"
#include "oci/fetch.h"
#include "oci/manifest.h"
#include "ops/image_source.h"
#include "ops/pull_private.h"

/* One document: the reference's, or what an index lists. */
static int document_take(struct pull *pull, const struct oci_descriptor *which, struct diag *why)
{
	char media_type[MEDIA_TYPE_SIZE_MAX] = "";
	int r;

	pull->manifest_bytes.size = 0;
	r = image_source_manifest(pull->source, &pull->reference, which, &pull->manifest_bytes,
				  media_type, &pull->digest, why);
	if (r < 0)
		return r;
	return oci_manifest_parse(buf_span(&pull->manifest_bytes), media_type, &pull->manifest,
				  why);
}

int pull_manifest(struct pull *pull, const struct oci_platform *wanted, struct diag *why)
{
	struct oci_descriptor which;
	int r;

	r = document_take(pull, NULL, why);
	for (int depth = 0; r == 0 && oci_manifest_is_index(pull->manifest); depth++) {
		const struct oci_item *item;

		if (depth == INDEX_DEPTH_MAX)
			return diag_set(why, -E2BIG, "indexes within indexes");
		r = oci_index_choose(pull->manifest, wanted, &item, why);
		if (r < 0)
			return r;
		which = item->descriptor;
		oci_manifest_freep(&pull->manifest);
		r = document_take(pull, &which, why);
	}
	return r < 0 ? diag_wrap(why, r, "manifest") : 0;
}

static int config_fit(struct pull *pull, const struct oci_platform *wanted, struct diag *why)
{
	char is[PLATFORM_TEXT_SIZE_MAX], was[PLATFORM_TEXT_SIZE_MAX];
	const struct oci_platform *found = &pull->config->platform;
	int r;

	r = oci_manifest_check_layers(pull->manifest, why);
	if (r == 0)
		r = oci_config_check_manifest(pull->config, pull->manifest, why);
	if (r < 0)
		return r;
	pull->result.platform = *found;
	pull->result.is_other_platform =
		found->architecture[0] && oci_platform_match(wanted, found) == 0;
	if (pull->result.is_other_platform && pull->request->platform)
		return diag_set(why, -ENOENT, "the image is for %s, not for %s",
				oci_platform_text(found, is), oci_platform_text(wanted, was));
	return 0;
}

int pull_config(struct pull *pull, const struct oci_platform *wanted, struct diag *why)
{
	const struct oci_descriptor *descriptor = &pull->manifest->config.descriptor;
	int r;

	r = oci_fetch(pull->source, descriptor, MANIFEST_SIZE_MAX, &pull->config_bytes, why);
	if (r == 0 && !oci_manifest_is_artifact(pull->manifest)) {
		r = oci_config_parse(buf_span(&pull->config_bytes), &pull->config, why);
		if (r == 0)
			r = config_fit(pull, wanted, why);
	}
	if (r < 0)
		return diag_wrap(why, r, "config");
	pull->result.config = descriptor->digest;
	return 0;
}
