/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * What 'docker save' and 'podman save' write: manifest.json lists images, each with the path of its
 * config, its names, and the paths of its layers, plain tars. There is no manifest as a registry
 * has one, so one is made: to the byte what containers/image makes of it, a Docker schema 2 whose
 * layers are named by their diff_ids. Same archive, same manifest digest, here and there.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/reader.h"
#include "oci/config.h"
#include "oci/files.h"
#include "oci/image_name.h"
#include "oci/json.h"
#include "oci/layout_private.h"
#include "oci/manifest.h"
#include "oci/plain_file.h"
#include "oci/reference.h"
#include "oci/source.h"
#include "verity/sha.h"

#define CONFIG_TYPE "application/vnd.docker.container.image.v1+json"
/* Though they are plain: containers/image calls them so. */
#define LAYER_TYPE "application/vnd.docker.image.rootfs.diff.tar.gzip"

#define BUFFER_SIZE ((size_t)256 * 1024)

struct archive_layer {
	struct digest diff_id;
	const char *path; /* of the list */
	uint64_t size;    /* bytes, of the plain tar */
};

struct docker_archive {
	struct oci_source_base base;
	struct oci_files *files; /* owned */
	json_t *list;            /* owned; manifest.json */
	const char *name;        /* of the list; NULL: it has none */
	const char *config_path;
	struct buf config; /* owned */
	struct digest config_digest;
	struct archive_layer *layers; /* owned */
	size_t layer_count;
	struct buf manifest; /* owned */
};

static void archive_close(struct oci_source *source)
{
	struct docker_archive *archive = (struct docker_archive *)source;

	oci_files_close(archive->files);
	oci_json_releasep(&archive->list);
	buf_release(&archive->config);
	free(archive->layers);
	buf_release(&archive->manifest);
	free(archive);
}

static void archive_closep(struct docker_archive **archive)
{
	if (*archive)
		archive_close((struct oci_source *)*archive);
	*archive = NULL;
}

/* The source */

static int archive_manifest(struct oci_source *source, const struct oci_descriptor *which,
			    struct buf *ret, char *media_type, struct diag *why)
{
	struct docker_archive *archive = (struct docker_archive *)source;

	if (which)
		return diag_set(why, -ENOENT, "a docker-archive has no index");
	(void)snprintf(media_type, MEDIA_TYPE_SIZE_MAX, "%s",
		       oci_manifest_media_type(DOCKER_MANIFEST));
	return buf_append_span(ret, buf_span(&archive->manifest));
}

static int archive_blob(struct oci_source *source, const struct oci_descriptor *blob,
			uint64_t offset, struct reader *ret, struct diag *why)
{
	struct docker_archive *archive = (struct docker_archive *)source;
	struct oci_file file = OCI_FILE_NONE;
	const char *path = NULL;
	int r;

	if (digest_equal(&blob->digest, &archive->config_digest))
		path = archive->config_path;
	for (size_t i = 0; !path && i < archive->layer_count; i++) {
		if (digest_equal(&blob->digest, &archive->layers[i].diff_id))
			path = archive->layers[i].path;
	}
	if (!path)
		return diag_set(why, -ENOENT, "the archive has no such blob");
	r = oci_files_find(archive->files, path, &file, why);
	if (r < 0)
		return r;
	if (!oci_file_is_compressed(&file))
		return oci_file_reader(&file, offset, ret, why);
	r = oci_file_plain_reader(&file, ARCHIVE_PLAIN_SIZE_MAX, ret, why);
	return r < 0 ? r : reader_skip(ret, offset, why);
}

static const struct oci_source_ops archive_ops = {archive_manifest, archive_blob, archive_close,
						  NULL};

/* Which image is meant */

static bool same_name(const char *tag, const struct oci_reference *wanted)
{
	CLEAN(oci_reference_release) struct oci_reference found = {0};
	CLEAN(memory_freep) char *text = NULL;

	if (asprintf(&text, "docker://%s", tag) < 0)
		return false;
	return oci_reference_parse(text, &found, NULL) == 0 && found.tag &&
	       strcmp(found.registry, wanted->registry) == 0 &&
	       strcmp(found.repository, wanted->repository) == 0 &&
	       strcmp(found.tag, wanted->tag) == 0;
}

static int entry_has_name(const json_t *entry, const struct oci_reference *wanted, struct diag *why)
{
	const json_t *tags;
	int r;

	r = oci_json_array(entry, "RepoTags", &tags, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < json_array_size(tags); i++) {
		const char *tag = json_string_value(json_array_get(tags, i));

		if (!tag)
			return diag_set(why, -EUCLEAN, "'RepoTags' holds what is not a string");
		if (same_name(tag, wanted))
			return 1;
	}
	return 0;
}

static int entry_by_name(const json_t *list, const struct oci_reference *reference,
			 const json_t **ret, struct diag *why)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		int r = entry_has_name(entry, reference, why);

		if (r < 0)
			return r;
		if (r == 1) {
			*ret = entry;
			return 0;
		}
	}
	return diag_set(why, -ENOENT, "there is no image '%.100s/%.200s:%.100s' in it",
			reference->registry, reference->repository, reference->tag);
}

static int entry_find(const json_t *list, const struct oci_reference *reference, const json_t **ret,
		      struct diag *why)
{
	size_t count = json_array_size(list);
	size_t index = reference->index >= 0 ? (size_t)reference->index : 0;

	if (reference->repository)
		return entry_by_name(list, reference, ret, why);
	if (reference->index < 0 && count > 1)
		return diag_set(
			why, -ENOENT,
			"which image of %zu is meant? :NAME:TAG or :@0 behind the path says",
			count);
	if (index >= count)
		return diag_set(why, -ENOENT, "there are %zu images in it", count);
	*ret = json_array_get(list, index);
	return 0;
}

/* Opening */

/* The first of its names. */
static int name_read(struct docker_archive *archive, const json_t *entry, struct diag *why)
{
	const json_t *tags;
	int r;

	r = oci_json_array(entry, "RepoTags", &tags, why);
	if (r < 0)
		return r;
	archive->name = json_string_value(json_array_get(tags, 0));
	return 0;
}

static int config_read(struct docker_archive *archive, const json_t *entry, struct oci_config **ret,
		       struct diag *why)
{
	int r;

	r = oci_json_text_needed(entry, "Config", &archive->config_path, why);
	if (r < 0)
		return r;
	r = oci_files_read(archive->files, archive->config_path, MANIFEST_SIZE_MAX,
			   &archive->config, why);
	if (r == -ENOENT)
		return diag_set(why, -EUCLEAN, "there is no '%.200s'", archive->config_path);
	if (r == 0)
		r = sha_of(DIGEST_SHA256, buf_span(&archive->config), &archive->config_digest, why);
	if (r == 0)
		r = oci_config_parse(buf_span(&archive->config), ret, why);
	return r;
}

/*
 * How many bytes a compressed layer has without: nothing in the archive says. Docker writes such
 * ones from its containerd store.
 */
static int plain_size(struct oci_file *file, uint64_t *ret, struct diag *why)
{
	CLEAN(memory_freep) uint8_t *buffer = malloc(BUFFER_SIZE);
	struct reader plain = READER_NONE;
	uint64_t size = 0;
	ssize_t got;
	int r;

	if (!buffer)
		return -ENOMEM;
	r = oci_file_plain_reader(file, ARCHIVE_PLAIN_SIZE_MAX, &plain, why);
	if (r < 0)
		return r;
	while ((got = reader_read(&plain, buffer, BUFFER_SIZE, why)) > 0)
		size += (uint64_t)got;
	reader_close(&plain);
	if (got < 0)
		return (int)got;
	*ret = size;
	return 0;
}

static int layer_find(struct docker_archive *archive, const char *path, struct archive_layer *ret,
		      struct diag *why)
{
	CLEAN(oci_file_release) struct oci_file file = OCI_FILE_NONE;
	int r;

	r = oci_files_find(archive->files, path, &file, why);
	if (r == -ENOENT)
		return diag_set(why, -EUCLEAN, "there is no '%.200s'", path);
	if (r < 0)
		return r;
	ret->path = path;
	ret->size = file.size;
	return oci_file_is_compressed(&file) ? plain_size(&file, &ret->size, why) : 0;
}

static int layers_read(struct docker_archive *archive, const json_t *entry,
		       const struct oci_config *config, struct diag *why)
{
	const json_t *paths;
	int r;

	r = oci_json_array(entry, "Layers", &paths, why);
	if (r < 0)
		return r;
	if (json_array_size(paths) != config->diff_id_count)
		return diag_set(why, -EUCLEAN, "there are %zu layers, and the config has %zu",
				json_array_size(paths), config->diff_id_count);
	archive->layers = calloc(config->diff_id_count + 1, sizeof(*archive->layers));
	if (!archive->layers)
		return -ENOMEM;
	for (size_t i = 0; i < config->diff_id_count; i++) {
		const char *path = json_string_value(json_array_get(paths, i));

		if (!path)
			return diag_set(why, -EUCLEAN, "'Layers' holds what is not a string");
		r = layer_find(archive, path, &archive->layers[i], why);
		if (r < 0)
			return r;
		archive->layers[i].diff_id = config->diff_ids[i];
		archive->layer_count++;
	}
	return 0;
}

static int descriptor_format(const char *media_type, uint64_t size, const struct digest *digest,
			     struct buf *ret)
{
	char text[OCI_DIGEST_SIZE_MAX];

	return buf_printf(ret, "{\"mediaType\":\"%s\",\"size\":%" PRIu64 ",\"digest\":\"%s\"}",
			  media_type, size, oci_digest_text(digest, text));
}

/* The members in the order in which containers/image has them. */
static int manifest_format(const struct docker_archive *archive, struct buf *ret)
{
	int r;

	r = buf_printf(ret, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":",
		       oci_manifest_media_type(DOCKER_MANIFEST));
	if (r == 0)
		r = descriptor_format(CONFIG_TYPE, archive->config.size, &archive->config_digest,
				      ret);
	if (r == 0)
		r = buf_append_string(ret, ",\"layers\":[");
	for (size_t i = 0; i < archive->layer_count && r == 0; i++) {
		const struct archive_layer *layer = &archive->layers[i];

		r = i ? buf_append_byte(ret, ',') : 0;
		if (r == 0)
			r = descriptor_format(LAYER_TYPE, layer->size, &layer->diff_id, ret);
	}
	return r < 0 ? r : buf_append_string(ret, "]}");
}

static int list_read(struct docker_archive *archive, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	int r;

	r = oci_files_read(archive->files, "manifest.json", MANIFEST_SIZE_MAX, &text, why);
	if (r == -ENOENT)
		return diag_set(why, r, "no docker-archive: there is no 'manifest.json'");
	if (r == 0)
		r = oci_json_array_load(buf_span(&text), &archive->list, why);
	if (r < 0)
		return diag_wrap(why, r, "manifest.json");
	return 0;
}

static int archive_read(struct docker_archive *archive, const struct oci_reference *reference,
			struct diag *why)
{
	CLEAN(oci_config_freep) struct oci_config *config = NULL;
	const json_t *entry = NULL;
	int r;

	r = list_read(archive, why);
	if (r == 0)
		r = entry_find(archive->list, reference, &entry, why);
	if (r == 0)
		r = name_read(archive, entry, why);
	if (r == 0)
		r = config_read(archive, entry, &config, why);
	if (r == 0)
		r = layers_read(archive, entry, config, why);
	if (r == 0)
		r = manifest_format(archive, &archive->manifest);
	return r;
}

int docker_archive_open(struct oci_files *files, const struct oci_reference *reference,
			struct oci_source **ret, char **ret_name, struct diag *why)
{
	CLEAN(oci_files_closep) struct oci_files *owned = files;
	CLEAN(archive_closep) struct docker_archive *archive = calloc(1, sizeof(*archive));
	int r;

	if (!archive)
		return -ENOMEM;
	archive->base.ops = &archive_ops;
	archive->files = TAKE(owned);
	r = archive_read(archive, reference, why);
	if (r < 0)
		return r;
	*ret_name = archive->name ? oci_tag_full(archive->name) : NULL;
	*ret = (struct oci_source *)TAKE(archive);
	return 0;
}
