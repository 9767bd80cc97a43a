/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/inspect.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "oci/image.h"
#include "oci/manifest.h"
#include "ops/lazy.h"
#include "store/images.h"
#include "store/splitstream.h"
#include "store/store.h"

void inspected_free(struct inspected *inspected)
{
	if (!inspected)
		return;
	free(inspected->layers);
	free(inspected->history_layers);
	free(inspected->labels);
	buf_release(&inspected->fill_failure);
	oci_image_free(inspected->opened);
	free(inspected);
}

void inspected_freep(struct inspected **inspected)
{
	int saved = errno;

	inspected_free(*inspected);
	*inspected = NULL;
	errno = saved;
}

static bool blob_is_kept(const struct oci_image *image, const struct digest *blob)
{
	char name[OCI_KEPT_BLOB_SIZE_MAX];

	return oci_links_find(&image->links, oci_kept_blob_name(blob, name)) != NULL;
}

/* What its stream tells; nothing where it is gone or damaged: fsck(8) is for that. */
static int stream_look(const struct store *store, const struct digest *id,
		       struct inspected_layer *layer)
{
	CLEAN(splitstream_closep) struct splitstream *stream = NULL;
	int r;

	if (id->algorithm == DIGEST_NONE)
		return 0; /* of a lazy pull, and not here */
	r = splitstream_open(store, id, STREAM_TYPE_ANY, &stream, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	layer->tar_bytes = splitstream_size(stream);
	layer->object_count = splitstream_object_count(stream);
	return 0;
}

static int layers_fill(const struct store *store, struct inspected *inspected)
{
	const struct oci_image *image = inspected->opened;
	size_t count = image->manifest->count;

	inspected->layers = calloc(count + 1, sizeof(*inspected->layers));
	if (!inspected->layers)
		return -ENOMEM;
	inspected->layer_count = count;
	for (size_t i = 0; i < count; i++) {
		struct inspected_layer *layer = &inspected->layers[i];
		int r;

		layer->blob = &image->manifest->items[i].descriptor;
		layer->is_blob_kept = blob_is_kept(image, &layer->blob->digest);
		if (image->config)
			layer->diff_id = image->config->diff_ids[i];
		r = stream_look(store, &image->layers[i], layer);
		if (r < 0)
			return r;
	}
	return 0;
}

static int history_fill(struct inspected *inspected)
{
	const struct oci_config *config = inspected->config;
	size_t count = config ? config->history_count : 0, layer = 0;

	inspected->history_layers = calloc(count + 1, sizeof(struct inspected_layer *));
	if (!inspected->history_layers)
		return -ENOMEM;
	for (size_t i = 0; i < count && config->history_fits; i++) {
		if (config->history[i].is_empty)
			continue;
		inspected->layers[layer].created_by = config->history[i].created_by;
		inspected->history_layers[i] = &inspected->layers[layer++];
	}
	return 0;
}

static int labels_fill(struct inspected *inspected)
{
	json_t *labels = inspected->config ? (json_t *)inspected->config->labels : NULL;
	const char *key;
	json_t *value;

	inspected->labels = calloc(json_object_size(labels) + 1, sizeof(*inspected->labels));
	if (!inspected->labels)
		return -ENOMEM;
	json_object_foreach(labels, key, value)
	{
		inspected->labels[inspected->label_count++] =
			(struct inspected_label){key, json_string_value(value)};
	}
	return 0;
}

static int fill(const struct store *store, struct inspected *inspected)
{
	const struct oci_image *image = inspected->opened;
	unsigned int preferred = (unsigned int)store_config(store).erofs_version;
	int r;

	inspected->manifest = image->digest;
	inspected->media_type = oci_manifest_media_type(image->manifest->type);
	inspected->artifact_type = image->manifest->artifact_type;
	inspected->config_blob = &image->manifest->config.descriptor;
	inspected->config = image->config;
	inspected->manifest_bytes = buf_span(&image->manifest_bytes);
	inspected->config_bytes = buf_span(&image->config_bytes);
	if (oci_image_erofs(image, preferred, &inspected->image, NULL) < 0)
		inspected->image = (struct digest){0};
	r = layers_fill(store, inspected);
	if (r == 0)
		r = history_fill(inspected);
	return r < 0 ? r : labels_fill(inspected);
}

/* An imported image has that name: better than to say that there is none. */
static int not_pulled(const struct store *store, const char *text, int error, struct diag *why)
{
	struct digest image;
	int fd;

	if (error != -ENOENT)
		return error;
	fd = image_resolve(store, text, &image, NULL);
	if (fd < 0)
		return error;
	fd_close(fd);
	return diag_set(why, -EINVAL, "it was imported, not pulled: it has no manifest");
}

static int lazy_look(const struct lazy_image *lazy, struct inspected *inspected, struct diag *why)
{
	int r;

	inspected->is_lazy = true;
	inspected->lazy_bytes = lazy->state.content_bytes;
	inspected->lazy_count = lazy->state.content_count;
	r = lazy_image_here(lazy, &inspected->here_count, &inspected->here_bytes, why);
	return r < 0 ? r
		     : lazy_image_fill(lazy, &inspected->is_being_filled, &inspected->fill_failure);
}

/* In the order of source.h. */
static int pulled_open(const struct store *store, const char *text, struct inspected *inspected,
		       struct diag *why)
{
	CLEAN(lazy_image_closep) struct lazy_image *lazy = NULL;
	int r = lazy_image_find(store, text, &lazy, why);

	if (r == -ENOENT)
		r = oci_image_open(store, text, &inspected->opened, why);
	if (r == -ENOENT)
		r = lazy_image_find_digest(store, text, &lazy, why);
	if (r < 0 || !lazy)
		return r;
	r = lazy_image_pulled(lazy, &inspected->opened, why);
	return r < 0 ? r : lazy_look(lazy, inspected, why);
}

int inspect_image(const struct store *store, const char *text, struct inspected **ret,
		  struct diag *why)
{
	CLEAN(inspected_freep) struct inspected *inspected = calloc(1, sizeof(*inspected));
	int r;

	if (!inspected)
		return -ENOMEM;
	r = pulled_open(store, text, inspected, why);
	if (r < 0)
		return not_pulled(store, text, r, why);
	r = fill(store, inspected);
	if (r < 0)
		return r;
	*ret = TAKE(inspected);
	return 0;
}
