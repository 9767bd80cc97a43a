/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A docker-archive has its layers as plain archives, called by their diff_ids. Each is inflated
 * into a file first: a member of an archive begins with its size.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/reader.h"
#include "oci/config.h"
#include "oci/fetch.h"
#include "oci/layer.h"
#include "oci/manifest.h"
#include "oci/manifest_write.h"
#include "oci/plain_file.h"
#include "oci/source.h"
#include "oci/target.h"
#include "ops/blob_file.h"
#include "ops/copy_private.h"
#include "ops/counted.h"
#include "verity/sha.h"

#define PLAIN_TYPE "application/vnd.oci.image.layer.v1.tar"

struct plain {
	struct copy *copy;
	const struct oci_manifest *manifest;
	struct buf config_bytes;
	struct oci_config *config; /* owned */
	struct oci_item *layers;   /* owned; as they are in the target */
};

struct plain_layer {
	const struct plain *plain;
	const struct oci_descriptor *blob; /* at the source */
};

static void plain_release(struct plain *plain)
{
	buf_release(&plain->config_bytes);
	oci_config_free(plain->config);
	free(plain->layers);
}

static int config_take(struct plain *plain, struct diag *why)
{
	const struct oci_descriptor *config = &plain->manifest->config.descriptor;
	int r;

	if (oci_manifest_is_artifact(plain->manifest))
		return diag_set(why, -EOPNOTSUPP, "a docker-archive holds images of containers");
	r = oci_manifest_check_layers(plain->manifest, why);
	if (r == 0)
		r = oci_fetch(plain->copy->source, config, MANIFEST_SIZE_MAX, &plain->config_bytes,
			      why);
	if (r == 0)
		r = oci_config_parse(buf_span(&plain->config_bytes), &plain->config, why);
	if (r == 0)
		r = oci_config_check_manifest(plain->config, plain->manifest, why);
	return r < 0 ? diag_wrap(why, r, "config") : 0;
}

static int put(struct plain *plain, const struct oci_descriptor *blob,
	       int (*open)(void *context, struct reader *ret, struct diag *why), void *context,
	       struct diag *why)
{
	const struct oci_transfer transfer = {.open = open, .context = context};
	enum oci_transfer_way way;
	int r = oci_transfer(plain->copy->target, blob, &transfer, &way, why);

	if (r == 0)
		copy_count(plain->copy, blob, way);
	return r;
}

static void count_bytes(void *context, size_t size_bytes)
{
	struct copy *copy = context;

	copy->done_bytes += size_bytes;
	copy_report(copy);
}

static int source_open(void *context, struct reader *ret, struct diag *why)
{
	const struct plain_layer *layer = context;
	struct reader bytes = READER_NONE;
	int r = oci_source_blob(layer->plain->copy->source, layer->blob, 0, &bytes, why);

	return r < 0 ? r : counted_reader(&bytes, count_bytes, layer->plain->copy, ret);
}

/* What is inflated is held to the diff_id, which the config's digest vouches for. */
static int layer_inflate(struct plain_layer *layer, struct blob_file *ret, struct diag *why)
{
	struct reader packed = READER_NONE, bytes = READER_NONE;
	int r = source_open(layer, &packed, why);

	if (r == 0)
		r = plain_reader(&packed, layer_bytes_max(layer->blob->size), &bytes, why);
	if (r < 0)
		return r;
	r = blob_file_fill(&bytes, ret, why);
	reader_close(&bytes);
	return r;
}

static int layer_copy(struct plain *plain, size_t index, struct diag *why)
{
	CLEAN(blob_file_release) struct blob_file file = BLOB_FILE_EMPTY;
	struct plain_layer from = {plain, &plain->manifest->items[index].descriptor};
	struct oci_descriptor *layer = &plain->layers[index].descriptor;
	int r;

	(void)snprintf(layer->media_type, sizeof(layer->media_type), "%s", PLAIN_TYPE);
	layer->digest = plain->config->diff_ids[index];
	layer->size = from.blob->size;
	/* What is plain already goes through as it is. */
	if (digest_equal(&layer->digest, &from.blob->digest))
		return put(plain, layer, source_open, &from, why);
	r = layer_inflate(&from, &file, why);
	if (r < 0)
		return r;
	layer->size = file.size;
	return put(plain, layer, blob_file_open, &file, why);
}

/* The same layer below: it need not be inflated again. */
static bool layer_repeat(struct plain *plain, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (!digest_equal(&plain->config->diff_ids[i], &plain->config->diff_ids[index]))
			continue;
		plain->layers[index] = plain->layers[i];
		return true;
	}
	return false;
}

static int layers_copy(struct plain *plain, struct diag *why)
{
	struct copy *copy = plain->copy;
	size_t count = plain->manifest->count;

	plain->layers = calloc(count + 1, sizeof(*plain->layers));
	if (!plain->layers)
		return -ENOMEM;
	copy->all_count = count;
	for (size_t i = 0; i < count; i++) {
		if (ckd_add(&copy->all_bytes, copy->all_bytes,
			    plain->manifest->items[i].descriptor.size))
			return diag_set(why, -E2BIG, "the layers are larger than any disk");
	}
	for (size_t i = 0; i < count; i++) {
		int r = layer_repeat(plain, i) ? 0 : layer_copy(plain, i, why);

		if (r < 0)
			return diag_wrap(why, r, "layer %zu of %zu", i + 1, count);
		copy->done_count++;
		copy_report(copy);
	}
	return 0;
}

static int manifest_put(struct plain *plain, struct digest *ret_digest, struct diag *why)
{
	CLEAN(buf_release) struct buf bytes = {0};
	int r = oci_manifest_rewrite(plain->manifest, plain->layers, &bytes);

	if (r == 0)
		r = sha_of(DIGEST_SHA256, buf_span(&bytes), ret_digest, why);
	if (r < 0)
		return r;
	return oci_target_put_manifest(plain->copy->target, ret_digest, buf_span(&bytes),
				       oci_manifest_media_type(OCI_MANIFEST), true, why);
}

int copy_plain(struct copy *copy, const struct oci_manifest *manifest, struct copy_result *result,
	       struct diag *why)
{
	CLEAN(plain_release) struct plain plain = {.copy = copy, .manifest = manifest};
	struct blob_memory memory;
	int r;

	r = config_take(&plain, why);
	if (r == 0)
		r = layers_copy(&plain, why);
	if (r < 0)
		return r;
	memory = (struct blob_memory){.bytes = buf_span(&plain.config_bytes)};
	r = put(&plain, &manifest->config.descriptor, blob_memory_open, &memory, why);
	if (r == 0)
		r = manifest_put(&plain, &result->manifest, why);
	if (r < 0)
		return r;
	result->blob_count = manifest->count + 1;
	result->manifest_count = 1;
	return 0;
}
