/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/manifest.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/json.h"

static const char *const media_types[] = {
	[OCI_MANIFEST] = "application/vnd.oci.image.manifest.v1+json",
	[OCI_INDEX] = "application/vnd.oci.image.index.v1+json",
	[DOCKER_MANIFEST] = "application/vnd.docker.distribution.manifest.v2+json",
	[DOCKER_LIST] = "application/vnd.docker.distribution.manifest.list.v2+json",
};
#define TYPE_COUNT 4

#define DOCKER_SCHEMA1 "application/vnd.docker.distribution.manifest.v1+"

const char *oci_manifest_media_type(enum oci_manifest_type type)
{
	return media_types[type];
}

/* -1 for what is none. */
static int type_by_name(const char *media_type)
{
	for (int i = 0; i < TYPE_COUNT; i++) {
		if (strcmp(media_type, media_types[i]) == 0)
			return i;
	}
	return -1;
}

void oci_manifest_free(struct oci_manifest *manifest)
{
	if (!manifest)
		return;
	oci_json_releasep(&manifest->document);
	free(manifest->items);
	free(manifest);
}

void oci_manifest_freep(struct oci_manifest **manifest)
{
	int saved = errno;

	oci_manifest_free(*manifest);
	*manifest = NULL;
	errno = saved;
}

/* The type */

/* What the document is called: by itself, else by its source, else by what it has. */
static int type_find(const json_t *document, const char *media_type, enum oci_manifest_type *ret,
		     struct diag *why)
{
	bool is_index = json_object_get(document, "manifests") != NULL;
	int said = type_by_name(media_type), own = -1;
	const char *text;
	int r;

	r = oci_json_text(document, "mediaType", &text, why);
	if (r < 0)
		return r;
	if (text && *text) {
		own = type_by_name(text);
		if (own < 0)
			return diag_set(why, -EUCLEAN, "a document of type '%.100s' is no manifest",
					text);
	}
	if (own >= 0 && said >= 0 && own != said)
		return diag_set(why, -EUCLEAN, "a '%s' that calls itself '%s'", media_types[said],
				media_types[own]);
	if (own < 0)
		own = said >= 0 ? said : is_index ? OCI_INDEX : OCI_MANIFEST;
	*ret = (enum oci_manifest_type)own;
	return 0;
}

static int schema_check(const json_t *document, const char *media_type, struct diag *why)
{
	uint64_t version;
	int r;

	if (strncmp(media_type, DOCKER_SCHEMA1, strlen(DOCKER_SCHEMA1)) == 0)
		return diag_set(why, -EOPNOTSUPP,
				"a manifest of Docker's schema 1, given up in 2017");
	r = oci_json_number_needed(document, "schemaVersion", &version, why);
	if (r < 0)
		return r;
	if (version == 1)
		return diag_set(why, -EOPNOTSUPP,
				"a manifest of Docker's schema 1, given up in 2017");
	if (version != 2)
		return diag_set(why, -EUCLEAN, "schema version %llu", (unsigned long long)version);
	return 0;
}

/* No field that belongs to the other kind: two readers would see two images. */
static int kind_check(const json_t *document, bool is_index, struct diag *why)
{
	static const char *const of_index[] = {"manifests", NULL};
	static const char *const of_manifest[] = {"config", "layers", "fsLayers", NULL};
	const char *const *strange = is_index ? of_manifest : of_index;

	for (; *strange; strange++) {
		if (json_object_get(document, *strange))
			return diag_set(why, -EUCLEAN, "%s with '%s'",
					is_index ? "an index" : "a manifest", *strange);
	}
	return 0;
}

/* Descriptors */

static int media_type_read(const json_t *object, struct oci_descriptor *descriptor,
			   struct diag *why)
{
	const char *text;
	int r;

	r = oci_json_text(object, "mediaType", &text, why);
	if (r < 0)
		return r;
	if (!text)
		text = "";
	if (strlen(text) >= sizeof(descriptor->media_type))
		return diag_set(why, -EUCLEAN, "'mediaType' is longer than %zu bytes",
				sizeof(descriptor->media_type) - 1);
	memcpy(descriptor->media_type, text, strlen(text) + 1);
	return 0;
}

static int platform_part(const json_t *platform, const char *key, char *part, struct diag *why)
{
	const char *text;
	int r;

	r = oci_json_text(platform, key, &text, why);
	if (r < 0)
		return r;
	if (!text)
		text = "";
	if (strlen(text) >= PLATFORM_PART_SIZE_MAX)
		return diag_set(why, -EUCLEAN, "'%s' is longer than %d bytes", key,
				PLATFORM_PART_SIZE_MAX - 1);
	memcpy(part, text, strlen(text) + 1);
	return 0;
}

static int platform_read(const json_t *object, struct oci_platform *ret, struct diag *why)
{
	const json_t *platform;
	int r;

	r = oci_json_object(object, "platform", &platform, why);
	if (r < 0 || !platform)
		return r;
	r = platform_part(platform, "os", ret->os, why);
	if (r == 0)
		r = platform_part(platform, "architecture", ret->architecture, why);
	if (r == 0)
		r = platform_part(platform, "variant", ret->variant, why);
	return r;
}

static int item_read(const json_t *object, struct oci_item *item, struct diag *why)
{
	struct oci_descriptor *descriptor = &item->descriptor;
	const char *digest;
	int r;

	if (!json_is_object(object))
		return diag_set(why, -EUCLEAN, "a descriptor is not an object");
	r = media_type_read(object, descriptor, why);
	if (r == 0)
		r = oci_json_text_needed(object, "digest", &digest, why);
	if (r == 0)
		r = oci_json_number_needed(object, "size", &descriptor->size, why);
	if (r < 0)
		return r;
	if (oci_digest_parse(span_of_string(digest), &descriptor->digest) < 0)
		return diag_set(why, -EUCLEAN, "'%.150s' is no digest", digest);
	r = oci_json_object(object, "annotations", &item->annotations, why);
	if (r == 0)
		r = oci_json_check_texts(item->annotations, "annotations", why);
	if (r == 0)
		r = platform_read(object, &item->platform, why);
	return r;
}

static int items_read(struct oci_manifest *manifest, const char *key, size_t max, struct diag *why)
{
	const json_t *list;
	size_t count;
	int r;

	r = oci_json_array(manifest->document, key, &list, why);
	if (r < 0)
		return r;
	if (!list)
		return diag_set(why, -EUCLEAN, "'%s' is missing", key);
	count = json_array_size(list);
	if (count > max)
		return diag_set(why, -E2BIG, "more than %zu %s", max, key);
	manifest->items = calloc(count + 1, sizeof(*manifest->items));
	if (!manifest->items)
		return -ENOMEM;
	manifest->count = count;
	for (size_t i = 0; i < count; i++) {
		r = item_read(json_array_get(list, i), &manifest->items[i], why);
		if (r < 0)
			return diag_wrap(why, r, "%s, number %zu", key, i + 1);
	}
	return 0;
}

static int config_read(struct oci_manifest *manifest, struct diag *why)
{
	const json_t *config;
	int r;

	r = oci_json_object(manifest->document, "config", &config, why);
	if (r < 0)
		return r;
	if (!config)
		return diag_set(why, -EUCLEAN, "'config' is missing");
	r = item_read(config, &manifest->config, why);
	if (r < 0)
		return diag_wrap(why, r, "config");
	return 0;
}

static int manifest_read(struct oci_manifest *manifest, const char *media_type, struct diag *why)
{
	bool is_index;
	int r;

	r = schema_check(manifest->document, media_type, why);
	if (r == 0)
		r = type_find(manifest->document, media_type, &manifest->type, why);
	if (r < 0)
		return r;
	is_index = oci_manifest_is_index(manifest);
	r = kind_check(manifest->document, is_index, why);
	if (r == 0)
		r = oci_json_text(manifest->document, "artifactType", &manifest->artifact_type,
				  why);
	if (r == 0)
		r = oci_json_object(manifest->document, "annotations", &manifest->annotations, why);
	if (r == 0)
		r = oci_json_check_texts(manifest->annotations, "annotations", why);
	if (r == 0 && !is_index)
		r = config_read(manifest, why);
	if (r < 0)
		return r;
	return is_index ? items_read(manifest, "manifests", DOCUMENT_CONTAINER_COUNT_MAX, why)
			: items_read(manifest, "layers", LAYER_COUNT_MAX, why);
}

int oci_manifest_parse(struct span raw, const char *media_type, struct oci_manifest **ret,
		       struct diag *why)
{
	CLEAN(oci_manifest_freep) struct oci_manifest *manifest = calloc(1, sizeof(*manifest));
	int r;

	if (!manifest)
		return -ENOMEM;
	r = oci_json_object_load(raw, &manifest->document, why);
	if (r < 0)
		return r;
	r = manifest_read(manifest, media_type, why);
	if (r < 0)
		return r;
	*ret = TAKE(manifest);
	return 0;
}

/* What it means */

bool oci_manifest_is_artifact(const struct oci_manifest *manifest)
{
	const char *type = manifest->config.descriptor.media_type;

	return strcmp(type, "application/vnd.oci.image.config.v1+json") != 0 &&
	       strcmp(type, "application/vnd.docker.container.image.v1+json") != 0 &&
	       /* registries of 2016, before Docker's config had a type of its own */
	       !(manifest->type == DOCKER_MANIFEST &&
		 strcmp(type, "application/octet-stream") == 0);
}

/* What may stand behind the name of each kind of layer. */
static bool compression_is_known(const char *suffix)
{
	static const char *const known[] = {"", "+gzip", "+zstd", ".gzip", ".zstd"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(suffix, known[i]) == 0)
			return true;
	}
	return false;
}

static bool layer_is_known(const char *media_type)
{
	static const char *const kinds[] = {
		"application/vnd.oci.image.layer.v1.tar",
		"application/vnd.oci.image.layer.nondistributable.v1.tar",
		"application/vnd.docker.image.rootfs.diff.tar",
		"application/vnd.docker.image.rootfs.foreign.diff.tar",
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t size = strlen(kinds[i]);

		if (strncmp(media_type, kinds[i], size) == 0 &&
		    compression_is_known(media_type + size))
			return true;
	}
	return !media_type[0]; /* nobody said: its first bytes will */
}

int oci_manifest_check_layers(const struct oci_manifest *manifest, struct diag *why)
{
	for (size_t i = 0; i < manifest->count; i++) {
		const char *type = manifest->items[i].descriptor.media_type;

		if (layer_is_known(type))
			continue;
		if (strstr(type, "+encrypted"))
			return diag_set(why, -EOPNOTSUPP, "layer %zu is encrypted", i + 1);
		return diag_set(why, -EOPNOTSUPP, "layer %zu is no archive of files but '%.150s'",
				i + 1, type);
	}
	return 0;
}

/* All platforms of an index, for a message. */
static int nothing_fits(const struct oci_manifest *index, const struct oci_platform *wanted,
			struct diag *why)
{
	char text[PLATFORM_TEXT_SIZE_MAX];
	CLEAN(buf_release) struct buf list = {0};

	for (size_t i = 0; i < index->count; i++) {
		const struct oci_platform *platform = &index->items[i].platform;

		if (list.size > 300 ||
		    buf_printf(&list, "%s%s", i ? ", " : "", oci_platform_text(platform, text)) < 0)
			break;
	}
	return diag_set(why, -ENOENT, "the image is not there for %s, but for: %s",
			oci_platform_text(wanted, text), list.size ? buf_string(&list) : "nothing");
}

int oci_index_choose(const struct oci_manifest *index, const struct oci_platform *wanted,
		     const struct oci_item **ret, struct diag *why)
{
	const struct oci_item *best = NULL;
	unsigned int best_match = 0;

	for (size_t i = 0; i < index->count; i++) {
		const struct oci_item *item = &index->items[i];
		unsigned int match = oci_platform_match(wanted, &item->platform);

		if (match > best_match) {
			best = item;
			best_match = match;
		} else if (!best && !item->platform.os[0] && !item->platform.architecture[0]) {
			best = item;
		}
	}
	if (!best)
		return nothing_fits(index, wanted, why);
	*ret = best;
	return 0;
}

const char *oci_annotation(const struct json_t *annotations, const char *key)
{
	return json_string_value(json_object_get(annotations, key));
}
