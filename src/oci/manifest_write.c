/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/manifest_write.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "oci/json.h"
#include "oci/manifest.h"

#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"
#define DOCKER_PREFIX "application/vnd.docker."

/* What OCI calls what Docker calls otherwise. */
static const char *layer_type(const char *media_type)
{
	if (strncmp(media_type, DOCKER_PREFIX, strlen(DOCKER_PREFIX)) != 0)
		return media_type;
	if (strstr(media_type, "gzip"))
		return LAYER_TYPE "+gzip";
	return strstr(media_type, "zstd") ? LAYER_TYPE "+zstd" : LAYER_TYPE;
}

static json_t *descriptor_json(const struct oci_descriptor *descriptor, const char *media_type,
			       const json_t *annotations)
{
	char digest[OCI_DIGEST_SIZE_MAX];
	json_t *object = json_pack("{s:s, s:s, s:I}", "mediaType", media_type, "digest",
				   oci_digest_text(&descriptor->digest, digest), "size",
				   (json_int_t)descriptor->size);

	if (object && annotations &&
	    json_object_set_new(object, "annotations", json_deep_copy(annotations)) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *layers_json(const struct oci_item *layers, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct oci_descriptor *layer = &layers[i].descriptor;

		if (json_array_append_new(array,
					  descriptor_json(layer, layer_type(layer->media_type),
							  layers[i].annotations)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

int oci_manifest_rewrite(const struct oci_manifest *old, const struct oci_item *layers,
			 struct buf *ret)
{
	CLEAN(memory_freep) char *text = NULL;
	CLEAN(oci_json_releasep) json_t *manifest = NULL;

	/* "o" takes both, and NULL is a failure */
	manifest = json_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType",
			     oci_manifest_media_type(OCI_MANIFEST), "config",
			     descriptor_json(&old->config.descriptor, CONFIG_TYPE, NULL), "layers",
			     layers_json(layers, old->count));
	if (!manifest)
		return -ENOMEM;
	if (old->annotations &&
	    json_object_set_new(manifest, "annotations", json_deep_copy(old->annotations)) < 0)
		return -ENOMEM;
	text = json_dumps(manifest, JSON_COMPACT);
	return text ? buf_append_string(ret, text) : -ENOMEM;
}
