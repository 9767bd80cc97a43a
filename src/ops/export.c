/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/export.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/config.h"
#include "oci/image.h"
#include "oci/image_name.h"
#include "oci/manifest.h"
#include "oci/manifest_write.h"
#include "oci/reference.h"
#include "oci/target.h"
#include "ops/export_private.h"
#include "ops/target.h"
#include "verity/sha.h"

static void export_release(struct export *export)
{
	oci_target_close(export->target);
	oci_image_free(export->image);
	blob_places_release(&export->places);
	free(export->layers);
}

/* A new manifest */

static int manifest_new(const struct export *export, struct buf *ret)
{
	const struct oci_manifest *old = export->image->manifest;
	CLEAN(memory_freep) struct oci_item *layers = calloc(old->count + 1, sizeof(*layers));

	if (!layers)
		return -ENOMEM;
	for (size_t i = 0; i < old->count; i++) {
		layers[i].descriptor = export->layers[i].descriptor;
		/* those of another blob would lie: where its table of contents is, say */
		if (export->layers[i].is_same)
			layers[i].annotations = old->items[i].annotations;
	}
	return oci_manifest_rewrite(old, layers, ret);
}

static bool is_same(const struct export *export)
{
	for (size_t i = 0; i < export->image->manifest->count; i++) {
		if (!export->layers[i].is_same)
			return false;
	}
	return true;
}

int export_manifest(const struct export *export, struct buf *ret, const char **ret_type,
		    struct diag *why)
{
	(void)why;
	if (is_same(export)) {
		*ret_type = oci_manifest_media_type(export->image->manifest->type);
		return buf_append_span(ret, buf_span(&export->image->manifest_bytes));
	}
	*ret_type = oci_manifest_media_type(OCI_MANIFEST);
	return manifest_new(export, ret);
}

/* All of it */

/* What the image is called there, if the target does not say: by a name that registries know. */
static char *default_name(const struct export_request *request)
{
	struct digest digest;

	return oci_digest_parse(span_of_string(request->image + (request->image[0] == '@')),
				&digest) == 0
		       ? NULL
		       : oci_tag_full(request->image);
}

static int open_both(struct export *export, struct diag *why)
{
	CLEAN(oci_reference_release) struct oci_reference reference = {0};
	CLEAN(memory_freep) char *name = default_name(export->request);
	int r;

	r = oci_reference_parse(export->request->target, &reference, why);
	if (r == 0)
		r = oci_image_open(export->store, export->request->image, &export->image, why);
	if (r < 0)
		return r;
	export->wants_plain = target_wants_plain(&reference);
	if (export->wants_plain && !export->image->config)
		return diag_set(why, -EOPNOTSUPP, "a docker-archive holds images of containers");
	export->is_push = reference.transport == OCI_TRANSPORT_DOCKER;
	if (export->is_push)
		r = blob_places_load(export->store, &reference, &export->places, why);
	if (r == 0)
		r = export_plan(export, why);
	if (r == 0)
		r = target_open(&reference, &export->request->registry, name, &export->target, why);
	return r;
}

static int finish(struct export *export, struct export_result *result, struct diag *why)
{
	CLEAN(buf_release) struct buf manifest = {0};
	const char *media_type;
	int r;

	r = export_manifest(export, &manifest, &media_type, why);
	result->manifest = export->image->digest;
	if (r == 0 && !is_same(export))
		r = sha_of(DIGEST_SHA256, buf_span(&manifest), &result->manifest, why);
	if (r == 0)
		r = oci_target_put_manifest(export->target, &result->manifest, buf_span(&manifest),
					    media_type, true, why);
	if (r == 0)
		r = oci_target_finish(export->target, why);
	return r;
}

int export_image(const struct store *store, const struct export_request *request,
		 struct export_result *ret, struct diag *why)
{
	CLEAN(export_release) struct export export = {.request = request, .store = store};
	struct export_result result = {0};
	int r;

	r = open_both(&export, why);
	if (r == 0)
		r = export_layers(&export, why);
	if (r == 0)
		r = export_config(&export, why);
	if (r == 0)
		r = finish(&export, &result, why);
	if (r < 0)
		return r;
	result.is_same = is_same(&export);
	result.layer_count = export.image->manifest->count;
	result.present_count = export.present_count;
	result.mounted_count = export.mounted_count;
	for (size_t i = 0; i < result.layer_count; i++)
		result.layer_bytes += export.layers[i].descriptor.size;
	*ret = result;
	return 0;
}
