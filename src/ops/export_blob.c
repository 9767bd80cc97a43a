/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * One layer on its way into a target: the blob that was pulled, if the target has that or it was
 * kept here; else the layer as its stream gives it, compressed on the way if need be.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/reader.h"
#include "oci/image.h"
#include "oci/manifest.h"
#include "oci/transfer.h"
#include "ops/blob_file.h"
#include "ops/counted.h"
#include "ops/export_private.h"
#include "store/splitstream.h"
#include "verity/sha.h"

void export_report(struct export *export)
{
	const struct progress *progress = &export->request->progress;
	struct progress_state state = {
		.phase = export->is_push ? "push" : "export",
		.done_count = export->done_count,
		.done_bytes = export->done_bytes,
		.all_count = export->image->manifest->count,
		.all_bytes = export->all_bytes,
	};

	if (progress->report)
		progress->report(progress->context, &state);
}

/* The bytes of a layer's stream, counted for the progress. */

struct layer_job {
	struct export *export;
	struct export_layer *layer;
};

static void count_bytes(void *context, size_t size_bytes)
{
	const struct layer_job *job = context;

	job->layer->counted_bytes += size_bytes;
	job->export->done_bytes += size_bytes;
	export_report(job->export);
}

static int stream_open(void *context, struct reader *ret, struct diag *why)
{
	struct layer_job *job = context;
	struct reader bytes = READER_NONE;
	struct splitstream *stream;
	int r;

	/* Once more from the beginning: what was sent until now is not done. */
	job->export->done_bytes -= job->layer->counted_bytes;
	job->layer->counted_bytes = 0;
	r = splitstream_open(job->export->store, &job->layer->stream,
			     job->layer->is_blob ? STREAM_TYPE_OCI_BLOB : STREAM_TYPE_OCI_LAYER,
			     &stream, why);
	if (r == 0)
		r = splitstream_reader(job->export->store, stream, &bytes, why);
	return r < 0 ? r : counted_reader(&bytes, count_bytes, job, ret);
}

/* Compressing */

/* Bytes pass through on their way into the compressor, and must be those of the diff_id. */
struct checked {
	const struct reader *source;
	struct sha *sha;
};

static ssize_t checked_read(void *context, void *data, size_t size, struct diag *why)
{
	struct checked *checked = context;
	ssize_t got = reader_read(checked->source, data, size, why);

	if (got > 0 && sha_update(checked->sha, span_of(data, (size_t)got)) < 0)
		return diag_set(why, -EIO, "libcrypto failed to hash");
	return got;
}

static int compress(struct export_layer *layer, const struct reader *plain, struct blob_file *file,
		    struct diag *why)
{
	CLEAN(sha_freep) struct sha *sha = NULL;
	const struct digest diff_id = layer->descriptor.digest;
	struct checked checked = {.source = plain};
	const struct reader through = {.read = checked_read, .context = &checked};
	struct reader deflated = READER_NONE;
	struct digest found;
	int r;

	r = sha_new((enum digest_algorithm)diff_id.algorithm, &sha, why);
	checked.sha = sha;
	if (r == 0)
		r = deflate_open(layer->compression, &through, &deflated, why);
	if (r < 0)
		return r;
	/* Only when all is compressed are digest and size known. */
	r = blob_file_fill(&deflated, file, why);
	reader_close(&deflated);
	if (r == 0)
		r = sha_finish(sha, &found);
	if (r < 0)
		return r;
	if (!digest_equal(&found, &diff_id))
		return diag_set(why, -EBADMSG, "it is not what its diff_id says");
	layer->descriptor.digest = file->digest;
	layer->descriptor.size = file->size;
	return 0;
}

/* Into the target */

static void way_count(struct export *export, enum oci_transfer_way way)
{
	if (way == OCI_TRANSFER_PRESENT)
		export->present_count++;
	else if (way == OCI_TRANSFER_MOUNTED)
		export->mounted_count++;
}

static int put(struct export *export, const struct oci_descriptor *blob,
	       int (*open)(void *context, struct reader *ret, struct diag *why), void *context,
	       struct diag *why)
{
	const char *repositories[BLOB_PLACES_TRIED + 1];
	const struct oci_transfer transfer = {
		.open = open,
		.context = context,
		.repositories = repositories,
	};
	enum oci_transfer_way way;
	int r;

	blob_places_find(&export->places, &blob->digest, repositories);
	r = oci_transfer(export->target, blob, &transfer, &way, why);
	if (r == 0)
		way_count(export, way);
	return r;
}

static int put_compressed(struct layer_job *job, struct diag *why)
{
	CLEAN(blob_file_release) struct blob_file file = BLOB_FILE_EMPTY;
	struct reader plain = READER_NONE;
	int r = stream_open(job, &plain, why);

	if (r < 0)
		return r;
	r = compress(job->layer, &plain, &file, why);
	reader_close(&plain);
	return r < 0 ? r : put(job->export, &job->layer->descriptor, blob_file_open, &file, why);
}

/*
 * The blob that was pulled is not here, but the target may have it: then nothing is compressed, and
 * the manifest stays what it was. 1: so it is.
 */
static int find_pulled(struct layer_job *job, struct diag *why)
{
	struct export *export = job->export;
	const struct oci_descriptor *blob =
		&export->image->manifest->items[job->layer - export->layers].descriptor;
	const char *repositories[BLOB_PLACES_TRIED + 1];
	enum oci_transfer_way way;
	int r;

	if (job->layer->is_same || export->wants_plain || !export->request->prefer_present)
		return 0;
	blob_places_find(&export->places, &blob->digest, repositories);
	r = oci_transfer_spare(export->target, blob, repositories, &way, why);
	if (r != 1)
		return r;
	way_count(export, way);
	job->layer->descriptor = *blob;
	job->layer->is_same = true;
	return 1;
}

int export_layer(struct export *export, struct export_layer *layer, struct diag *why)
{
	struct layer_job job = {export, layer};
	int r = find_pulled(&job, why);

	if (r != 0)
		return r < 0 ? r : 0;
	if (layer->compression != COMPRESSION_NONE)
		return put_compressed(&job, why);
	return put(export, &layer->descriptor, stream_open, &job, why);
}

/* The config */

int export_config(struct export *export, struct diag *why)
{
	struct blob_memory memory = {.bytes = buf_span(&export->image->config_bytes)};
	const char *repositories[BLOB_PLACES_TRIED + 1];
	const struct oci_descriptor *config = &export->image->manifest->config.descriptor;
	const struct oci_transfer transfer = {
		.open = blob_memory_open,
		.context = &memory,
		.repositories = repositories,
	};
	int r;

	blob_places_find(&export->places, &config->digest, repositories);
	r = oci_transfer(export->target, config, &transfer, NULL, why);
	return r < 0 ? diag_wrap(why, r, "config") : 0;
}
