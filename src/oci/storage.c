/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/storage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/reader.h"
#include "oci/config.h"
#include "oci/fetch.h"
#include "oci/files.h"
#include "oci/manifest.h"
#include "oci/plain_file.h"
#include "oci/reference.h"
#include "oci/source.h"
#include "oci/storage_conf.h"
#include "oci/storage_private.h"

#define MANIFEST_NAME_SIZE_MAX (OCI_DIGEST_SIZE_MAX + 16)

/* Immutable once open. */
struct storage {
	struct oci_source_base base;
	struct storage_roots roots; /* owned */
	struct storage_image image;
	/* What the reference names, when that is not the image's own manifest: an index. */
	struct buf index;              /* owned; empty: none */
	struct buf manifest_bytes;     /* owned */
	struct oci_manifest *manifest; /* owned; of the image */
	struct storage_layer *layers;  /* owned; as many as the manifest has */
};

static void storage_close(struct oci_source *source)
{
	struct storage *storage = (struct storage *)source;
	int saved = errno;

	free(storage->layers);
	oci_manifest_free(storage->manifest);
	buf_release(&storage->manifest_bytes);
	buf_release(&storage->index);
	storage_roots_release(&storage->roots);
	free(storage);
	errno = saved;
}

static void storage_closep(struct storage **storage)
{
	if (*storage)
		storage_close((struct oci_source *)*storage);
	*storage = NULL;
}

/* The source */

/* "manifest-sha256:...": what a manifest is kept as, beside "manifest", which is the image's. */
static int manifest_read(const struct storage *storage, const struct digest *digest,
			 struct buf *ret, struct diag *why)
{
	char name[MANIFEST_NAME_SIZE_MAX] = "manifest";
	int r;

	if (digest) {
		name[strlen("manifest")] = '-';
		(void)oci_digest_text(digest, name + strlen("manifest-"));
	}
	r = storage_image_read(&storage->image, name, ret, why);
	return r == -ENOENT ? diag_set(why, r, "the store has no '%s' of the image", name) : r;
}

static int storage_manifest(struct oci_source *source, const struct oci_descriptor *which,
			    struct buf *ret, char *media_type, struct diag *why)
{
	const struct storage *storage = (struct storage *)source;

	(void)snprintf(media_type, MEDIA_TYPE_SIZE_MAX, "%s", which ? which->media_type : "");
	if (which)
		return manifest_read(storage, &which->digest, ret, why);
	return buf_append_span(
		ret, buf_span(storage->index.size ? &storage->index : &storage->manifest_bytes));
}

/* The layer that the manifest calls so; count when there is none. */
static size_t layer_find(const struct storage *storage, const struct digest *digest)
{
	size_t i = 0;

	while (i < storage->manifest->count &&
	       !digest_equal(digest, &storage->manifest->items[i].descriptor.digest))
		i++;
	return i;
}

static int storage_blob(struct oci_source *source, const struct oci_descriptor *blob,
			uint64_t offset, struct reader *ret, struct diag *why)
{
	const struct storage *storage = (struct storage *)source;
	struct oci_file file = OCI_FILE_NONE;
	char name[OCI_DIGEST_SIZE_MAX];
	size_t index = layer_find(storage, &blob->digest);
	int r;

	if (index < storage->manifest->count && storage->layers) {
		r = storage_layer_reader(storage->layers, index, ret, why);
		return r < 0 ? r : reader_skip(ret, offset, why);
	}
	r = storage_image_find_data(&storage->image, oci_digest_text(&blob->digest, name), &file,
				    why);
	if (r == -ENOENT)
		return diag_set(why, r, "the store has no such blob");
	return r < 0 ? r : oci_file_reader(&file, offset, ret, why);
}

static uint64_t storage_plain_size(struct oci_source *source, const struct oci_descriptor *layer)
{
	const struct storage *storage = (struct storage *)source;
	size_t index = layer_find(storage, &layer->digest);

	return index < storage->manifest->count && storage->layers ? storage->layers[index].size
								   : 0;
}

static const struct oci_source_ops storage_ops = {
	.manifest = storage_manifest,
	.blob = storage_blob,
	.close = storage_close,
	.plain_size = storage_plain_size,
};

/* Opening */

/* The manifest that the reference names by digest: of the image, or an index that lists it. */
static int named_manifest_take(struct storage *storage, const struct digest *digest,
			       struct diag *why)
{
	CLEAN(buf_release) struct buf bytes = {0};
	CLEAN(oci_manifest_freep) struct oci_manifest *manifest = NULL;
	int r;

	r = manifest_read(storage, digest, &bytes, why);
	if (r < 0)
		return r;
	r = oci_digest_check(digest, buf_span(&bytes), why);
	if (r < 0)
		return diag_wrap(why, r, "not the manifest that was asked for");
	r = oci_manifest_parse(buf_span(&bytes), "", &manifest, why);
	if (r < 0)
		return r;
	if (oci_manifest_is_index(manifest)) {
		storage->index = bytes;
		bytes = (struct buf){0}; /* handed over */
		return manifest_read(storage, NULL, &storage->manifest_bytes, why);
	}
	storage->manifest_bytes = bytes;
	bytes = (struct buf){0}; /* the same */
	return 0;
}

static int manifest_take(struct storage *storage, const struct oci_reference *reference,
			 struct diag *why)
{
	int r;

	if (reference->digest.algorithm != DIGEST_NONE)
		r = named_manifest_take(storage, &reference->digest, why);
	else
		r = manifest_read(storage, NULL, &storage->manifest_bytes, why);
	if (r == 0)
		r = oci_manifest_parse(buf_span(&storage->manifest_bytes), "", &storage->manifest,
				       why);
	if (r == 0 && oci_manifest_is_index(storage->manifest))
		return diag_set(why, -EOPNOTSUPP,
				"it is a list of images: name one of them by its id");
	return r;
}

/* The store's own order of layers has to be that of the config. */
static int layers_take(struct storage *storage, struct diag *why)
{
	const struct digest *digest = &storage->manifest->config.descriptor.digest;
	char name[OCI_DIGEST_SIZE_MAX], text[OCI_DIGEST_SIZE_MAX];
	CLEAN(oci_config_freep) struct oci_config *config = NULL;
	CLEAN(buf_release) struct buf bytes = {0};
	int r;

	r = storage_image_read(&storage->image, oci_digest_text(digest, name), &bytes, why);
	if (r == -ENOENT)
		return diag_set(why, -EUCLEAN, "the store has no config of the image");
	if (r == 0)
		r = oci_config_parse(buf_span(&bytes), &config, why);
	if (r == 0)
		r = oci_config_check_manifest(config, storage->manifest, why);
	if (r == 0)
		r = storage_layers_find(&storage->roots, &storage->image, config->diff_id_count,
					&storage->layers, why);
	for (size_t i = 0; r == 0 && i < config->diff_id_count; i++) {
		const struct digest *found = &storage->layers[i].diff_id;

		if (found->algorithm != DIGEST_NONE && !digest_equal(found, &config->diff_ids[i]))
			return diag_set(why, -EUCLEAN,
					"layer %zu is %s in the store, %s in the config", i + 1,
					oci_digest_text(found, name),
					oci_digest_text(&config->diff_ids[i], text));
	}
	return r;
}

static int image_take(struct storage *storage, const struct oci_reference *reference,
		      char **ret_name, struct diag *why)
{
	const char *name = NULL;
	int r;

	r = storage_image_find(&storage->roots, reference, &storage->image, &name, why);
	if (r < 0)
		return r;
	r = manifest_take(storage, reference, why);
	if (r == 0 && !oci_manifest_is_artifact(storage->manifest))
		r = layers_take(storage, why);
	if (r < 0)
		return diag_wrap(why, r, "image %.12s", storage->image.id);
	*ret_name = name ? strdup(name) : NULL;
	return name && !*ret_name ? -ENOMEM : 0;
}

int storage_open(const struct oci_reference *reference, struct oci_source **ret, char **ret_name,
		 struct diag *why)
{
	CLEAN(storage_stores_release) struct storage_stores stores = {0};
	CLEAN(storage_closep) struct storage *storage = calloc(1, sizeof(*storage));
	int r;

	if (!storage)
		return -ENOMEM;
	storage->base.ops = &storage_ops;
	r = storage_stores_find(reference->store, &stores, why);
	if (r == 0)
		r = storage_roots_open(&stores, &storage->roots, why);
	if (r == 0)
		r = image_take(storage, reference, ret_name, why);
	if (r < 0)
		return r;
	*ret = (struct oci_source *)TAKE(storage);
	return 0;
}
