/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/workers.h"
#include "oci/config.h"
#include "oci/image.h"
#include "oci/manifest.h"
#include "ops/export_private.h"
#include "store/splitstream.h"

static const char *const layer_types[COMPRESSION_COUNT] = {
	[COMPRESSION_NONE] = "application/vnd.oci.image.layer.v1.tar",
	[COMPRESSION_GZIP] = "application/vnd.oci.image.layer.v1.tar+gzip",
	[COMPRESSION_ZSTD] = "application/vnd.oci.image.layer.v1.tar+zstd",
};

/* The plan */

static int stream_bytes(const struct store *store, const struct digest *id, uint64_t *ret,
			struct diag *why)
{
	CLEAN(splitstream_closep) struct splitstream *stream = NULL;
	int r = splitstream_open(store, id, STREAM_TYPE_ANY, &stream, why);

	if (r == 0)
		*ret = splitstream_size(stream);
	return r;
}

/* A layer that is put together anew. Compressed, it gets its digest and size then. */
static int plan_layer(const struct export *export, size_t index, struct export_layer *layer,
		      struct diag *why)
{
	const struct digest *diff_id = &export->image->config->diff_ids[index];
	const struct oci_descriptor *blob = &export->image->manifest->items[index].descriptor;
	enum compression compression =
		export->wants_plain ? COMPRESSION_NONE : export->request->compression;

	layer->stream = export->image->layers[index];
	layer->descriptor.digest = *diff_id;
	/* Never compressed, and nobody wants it to be. */
	layer->is_same = digest_equal(diff_id, &blob->digest) && !export->request->compress_all &&
			 (!export->request->compress_plain || compression == COMPRESSION_NONE);
	if (layer->is_same)
		layer->descriptor = *blob;
	else
		(void)snprintf(layer->descriptor.media_type, sizeof(layer->descriptor.media_type),
			       "%s", layer_types[compression]);
	layer->compression = layer->is_same ? COMPRESSION_NONE : compression;
	return stream_bytes(export->store, &layer->stream, &layer->descriptor.size, why);
}

static int plan_one(const struct export *export, size_t index, struct export_layer *layer,
		    struct diag *why)
{
	const struct oci_descriptor *blob = &export->image->manifest->items[index].descriptor;
	char name[OCI_KEPT_BLOB_SIZE_MAX];
	const struct digest *kept =
		oci_links_find(&export->image->links, oci_kept_blob_name(&blob->digest, name));

	if (!export->image->config)
		kept = &export->image->layers[index];
	else if (export->wants_plain || export->request->compress_all)
		kept = NULL;
	if (!kept)
		return plan_layer(export, index, layer, why);
	layer->descriptor = *blob;
	layer->stream = *kept;
	layer->is_blob = layer->is_same = true;
	return 0;
}

int export_plan(struct export *export, struct diag *why)
{
	size_t count = export->image->manifest->count;

	export->layers = calloc(count + 1, sizeof(*export->layers));
	if (!export->layers)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int r = plan_one(export, i, &export->layers[i], why);

		if (r < 0)
			return diag_wrap(why, r, "layer %zu", i + 1);
		export->layers[i].planned_bytes = export->layers[i].descriptor.size;
		if (ckd_add(&export->all_bytes, export->all_bytes, export->layers[i].planned_bytes))
			return diag_set(why, -EUCLEAN, "the layers are larger than any disk");
	}
	return 0;
}

/* All of them, several at a time */

static int job_run(void *context, void *item, struct diag *why)
{
	struct export *export = context;
	struct export_layer *layer = item;
	int r = export_layer(export, layer, why);

	/* What was not read, because it was there, is done as well. */
	export->done_bytes += layer->planned_bytes - layer->counted_bytes;
	export->done_count++;
	export_report(export);
	return r < 0 ? diag_wrap(why, r, "layer %td of %zu", layer - export->layers + 1,
				 export->image->manifest->count)
		     : 0;
}

/* The same layer earlier: one of them is enough. */
static size_t first_alike(const struct export *export, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (digest_equal(&export->layers[i].stream, &export->layers[index].stream) &&
		    export->layers[i].is_blob == export->layers[index].is_blob)
			return i;
	}
	return index;
}

/* What became of the first layer that is the same became of this one. */
static void alike_copy(struct export *export, size_t index)
{
	struct export_layer *layer = &export->layers[index];
	const struct export_layer *first = &export->layers[first_alike(export, index)];
	const struct oci_descriptor *blob = &export->image->manifest->items[index].descriptor;

	if (first == layer)
		return;
	layer->is_same = digest_equal(&first->descriptor.digest, &blob->digest);
	/* The same bytes may go by two media types. */
	layer->descriptor = layer->is_same ? *blob : first->descriptor;
}

int export_layers(struct export *export, struct diag *why)
{
	unsigned int threads = export->request->jobs ? export->request->jobs : EXPORT_JOBS_DEFAULT;
	size_t count = export->image->manifest->count;
	struct workers *workers;
	int r, added = 0;

	if (threads > EXPORT_JOBS_MAX)
		threads = EXPORT_JOBS_MAX;
	if (count == 0)
		return 0;
	r = workers_new(threads, job_run, NULL, export, &workers);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count && added == 0; i++) {
		if (first_alike(export, i) == i)
			added = workers_add(workers, &export->layers[i]);
	}
	r = workers_finish(workers, why);
	if (r < 0 || added < 0)
		return r < 0 ? r : added;
	for (size_t i = 0; i < count; i++)
		alike_copy(export, i);
	return 0;
}
