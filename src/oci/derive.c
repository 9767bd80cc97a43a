/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/derive.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/config.h"
#include "oci/derive_private.h"
#include "oci/image.h"
#include "oci/json.h"
#include "oci/manifest.h"
#include "oci/platform.h"
#include "verity/sha.h"

#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"
#define NONDISTRIBUTABLE_TYPE "application/vnd.oci.image.layer.nondistributable.v1.tar"
#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define DOCKER_FOREIGN_LAYER "application/vnd.docker.image.rootfs.foreign.diff.tar"

#define TIME_SIZE 32

/* RFC 3339, UTC. */
static int time_text(int64_t seconds, char text[TIME_SIZE], struct diag *why)
{
	time_t time = (time_t)seconds;
	struct tm parts;

	if (!gmtime_r(&time, &parts) || parts.tm_year < -1900 || parts.tm_year > 9999 - 1900)
		return diag_set(why, -EINVAL, "the time has a year without four digits");
	return strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) ? 0 : -EINVAL;
}

/* value is taken; NULL where it could not be made: jansson refuses what is not UTF-8. */
static int field_set(json_t *object, const char *key, json_t *value, struct diag *why)
{
	if (!value)
		return diag_set(why, -EINVAL, "'%s' is not UTF-8", key);
	return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

/* An object or list of the config, borrowed; made where it is missing. */
static int part_of(json_t *object, const char *key, json_type type, json_t **ret, struct diag *why)
{
	json_t *part = json_object_get(object, key);

	if (!part || json_is_null(part)) {
		part = type == JSON_ARRAY ? json_array() : json_object();
		if (json_object_set_new(object, key, part) < 0)
			return -ENOMEM;
	}
	if (json_typeof(part) != type)
		return diag_set(why, -EUCLEAN, "'%s' of the base's config makes no sense", key);
	*ret = part;
	return 0;
}

/* The config */

/* What Docker's configs say of the container that they came from is not of this one. */
static void docker_fields_drop(json_t *config)
{
	static const char *const keys[] = {"container", "container_config", "docker_version", "id",
					   "parent",    "parent_id",        "throwaway"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		(void)json_object_del(config, keys[i]);
}

static int platform_set(json_t *config, struct diag *why)
{
	struct oci_platform host;
	int r;

	oci_platform_host(&host);
	r = field_set(config, "architecture", json_string(host.architecture), why);
	if (r == 0)
		r = field_set(config, "os", json_string(host.os), why);
	if (r == 0 && host.variant[0])
		r = field_set(config, "variant", json_string(host.variant), why);
	return r;
}

/* The caller drops it. */
static int config_begin(const struct derive_request *request, json_t **ret, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *config = NULL;
	int r = 0;

	config = request->base ? json_deep_copy(request->base->config->document) : json_object();
	if (!config)
		return -ENOMEM;
	if (request->base)
		docker_fields_drop(config);
	else
		r = platform_set(config, why);
	if (r == 0)
		*ret = TAKE(config);
	return r;
}

static int layer_note(const struct derive_request *request, const struct derive_layer *layer,
		      const char *created, json_t *diff_ids, json_t *history, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *entry = json_object();
	char digest[OCI_DIGEST_SIZE_MAX];
	int r;

	r = entry ? field_set(entry, "created", json_string(created), why) : -ENOMEM;
	if (r == 0)
		r = field_set(entry, "created_by", json_string(layer->created_by), why);
	if (r == 0 && request->author)
		r = field_set(entry, "author", json_string(request->author), why);
	if (r == 0 && layer->comment)
		r = field_set(entry, "comment", json_string(layer->comment), why);
	if (r < 0)
		return r;
	if (json_array_append(history, entry) < 0 ||
	    json_array_append_new(diff_ids, json_string(oci_digest_text(&layer->diff_id, digest))) <
		    0)
		return -ENOMEM;
	return 0;
}

static int layers_note(const struct derive_request *request, json_t *config, const char *created,
		       struct diag *why)
{
	json_t *rootfs = NULL, *diff_ids = NULL, *history = NULL;
	int r;

	r = part_of(config, "rootfs", JSON_OBJECT, &rootfs, why);
	if (r == 0)
		r = field_set(rootfs, "type", json_string("layers"), why);
	if (r == 0)
		r = part_of(rootfs, "diff_ids", JSON_ARRAY, &diff_ids, why);
	if (r == 0)
		r = part_of(config, "history", JSON_ARRAY, &history, why);
	for (size_t i = 0; i < request->layer_count && r == 0; i++)
		r = layer_note(request, &request->layers[i], created, diff_ids, history, why);
	return r;
}

static int config_make(const struct derive_request *request, json_t **ret, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *config = NULL;
	char created[TIME_SIZE];
	json_t *run = NULL;
	int r;

	r = time_text(request->created, created, why);
	if (r == 0)
		r = config_begin(request, &config, why);
	if (r == 0)
		r = field_set(config, "created", json_string(created), why);
	if (r == 0 && request->author)
		r = field_set(config, "author", json_string(request->author), why);
	if (r == 0)
		r = part_of(config, "config", JSON_OBJECT, &run, why);
	if (r == 0)
		r = derive_changes(run, request->changes, why);
	if (r == 0)
		r = layers_note(request, config, created, why);
	if (r == 0)
		*ret = TAKE(config);
	return r;
}

/* The manifest */

/* OCI's name for a layer of Docker's; others stay. */
static json_t *layer_type(const char *type)
{
	static const char *const names[][2] = {
		{DOCKER_LAYER, LAYER_TYPE},
		{DOCKER_LAYER ".gzip", LAYER_TYPE "+gzip"},
		{DOCKER_LAYER ".zstd", LAYER_TYPE "+zstd"},
		{DOCKER_FOREIGN_LAYER, NONDISTRIBUTABLE_TYPE},
		{DOCKER_FOREIGN_LAYER ".gzip", NONDISTRIBUTABLE_TYPE "+gzip"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(type, names[i][0]) == 0)
			return json_string(names[i][1]);
	}
	return json_string(type);
}

/* The descriptors as they are, annotations and all. */
static int base_layers_add(const struct oci_image *base, json_t *layers, struct diag *why)
{
	json_t *theirs = json_object_get(base->manifest->document, "layers");

	for (size_t i = 0; i < base->manifest->count; i++) {
		json_t *layer = json_deep_copy(json_array_get(theirs, i));
		int r;

		if (!layer || json_array_append_new(layers, layer) < 0)
			return -ENOMEM;
		r = field_set(layer, "mediaType",
			      layer_type(base->manifest->items[i].descriptor.media_type), why);
		if (r < 0)
			return r;
	}
	return 0;
}

static json_t *descriptor_make(const char *type, const struct digest *digest, uint64_t size)
{
	char text[OCI_DIGEST_SIZE_MAX];

	return json_pack("{s: s, s: s, s: I}", "mediaType", type, "digest",
			 oci_digest_text(digest, text), "size", (json_int_t)size);
}

static int layers_make(const struct derive_request *request, json_t *layers, struct diag *why)
{
	int r = request->base ? base_layers_add(request->base, layers, why) : 0;

	for (size_t i = 0; i < request->layer_count && r == 0; i++) {
		json_t *layer = descriptor_make(LAYER_TYPE, &request->layers[i].diff_id,
						request->layers[i].tar_bytes);

		r = json_array_append_new(layers, layer) < 0 ? -ENOMEM : 0;
	}
	if (r == 0 && json_array_size(layers) > LAYER_COUNT_MAX)
		r = diag_set(why, -E2BIG, "more than %d layers", LAYER_COUNT_MAX);
	return r;
}

/* OCI image specification 1.1, "Pre-Defined Annotation Keys". */
static int base_note(const struct oci_image *base, json_t *manifest)
{
	char text[OCI_DIGEST_SIZE_MAX];
	json_t *annotations = json_pack("{s: s}", "org.opencontainers.image.base.digest",
					oci_digest_text(&base->digest, text));

	return json_object_set_new(manifest, "annotations", annotations) < 0 ? -ENOMEM : 0;
}

static int manifest_make(const struct derive_request *request, struct span config, json_t **ret,
			 struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *manifest = NULL;
	json_t *layers = json_array();
	struct digest digest;
	int r;

	r = sha_of(DIGEST_SHA256, config, &digest, why);
	if (r == 0)
		manifest = json_pack("{s: i, s: s, s: o, s: o}", "schemaVersion", 2, "mediaType",
				     oci_manifest_media_type(OCI_MANIFEST), "config",
				     descriptor_make(CONFIG_TYPE, &digest, config.size), "layers",
				     json_incref(layers));
	if (r == 0 && !manifest)
		r = -ENOMEM;
	if (r == 0)
		r = layers_make(request, layers, why);
	if (r == 0 && request->base)
		r = base_note(request->base, manifest);
	json_decref(layers);
	if (r == 0)
		*ret = TAKE(manifest);
	return r;
}

static int document_append(const json_t *document, struct buf *ret)
{
	CLEAN(memory_freep) char *text = json_dumps(document, JSON_COMPACT);

	return text ? buf_append_string(ret, text) : -ENOMEM;
}

/* Nobody is helped by an image that we would not take ourselves. */
static int config_check(struct span bytes, struct diag *why)
{
	CLEAN(oci_config_freep) struct oci_config *config = NULL;

	return oci_config_parse(bytes, &config, why);
}

int derive_documents(const struct derive_request *request, struct buf *config, struct buf *manifest,
		     struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *config_document = NULL;
	CLEAN(oci_json_releasep) json_t *manifest_document = NULL;
	size_t config_start = config->size;
	struct span config_bytes;
	int r;

	if (request->base && !request->base->config)
		return diag_set(why, -EINVAL, "the base is an artifact, not an image with files");
	r = config_make(request, &config_document, why);
	if (r == 0)
		r = document_append(config_document, config);
	if (r < 0)
		return r;
	(void)span_from(buf_span(config), config_start, &config_bytes);
	r = config_check(config_bytes, why);
	if (r < 0)
		return r;
	r = manifest_make(request, config_bytes, &manifest_document, why);
	return r < 0 ? r : document_append(manifest_document, manifest);
}
