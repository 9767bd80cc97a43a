/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The layers of a pull, several at a time. Each gets its name as soon as it is on disk: a pull that
 * is killed does not fetch it again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/workers.h"
#include "oci/config.h"
#include "oci/image_name.h"
#include "oci/layer.h"
#include "oci/manifest.h"
#include "oci/source.h"
#include "ops/pull_private.h"
#include "store/objects.h"
#include "store/splitstream.h"
#include "store/streams.h"

/* One syncfs for many */

int pull_sync(struct pull *pull, struct diag *why)
{
	struct pull_sync *sync = &pull->sync;
	uint64_t ticket;
	int r = 0;

	(void)pthread_mutex_lock(&sync->lock);
	ticket = ++sync->wanted;
	while (sync->done < ticket && !sync->error) {
		uint64_t reached = sync->wanted;

		if (sync->is_running) {
			(void)pthread_cond_wait(&sync->changed, &sync->lock);
			continue;
		}
		sync->is_running = true;
		(void)pthread_mutex_unlock(&sync->lock);
		r = transaction_sync(pull->transaction, why);
		(void)pthread_mutex_lock(&sync->lock);
		sync->is_running = false;
		sync->done = reached;
		if (r < 0)
			sync->error = r;
		(void)pthread_cond_broadcast(&sync->changed);
	}
	if (sync->error && r == 0)
		r = diag_set(why, sync->error, "cannot write the objects to disk");
	(void)pthread_mutex_unlock(&sync->lock);
	return r;
}

/* What is there */

int pull_stream_find(const struct store *store, const char *name, uint64_t content_type,
		     struct digest *ret_id)
{
	CLEAN(splitstream_closep) struct splitstream *stream = NULL;
	struct digest id;
	int r;

	r = stream_resolve(store, name, &id, NULL);
	if (r == 0)
		r = splitstream_open(store, &id, content_type, &stream, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : -ENOENT;
	for (size_t i = 0; i < splitstream_object_count(stream); i++) {
		struct digest object = splitstream_object(stream, i);

		if (!object_exists(store, &object))
			return -ENOENT;
	}
	*ret_id = id;
	return 0;
}

struct digest pull_layer_name(const struct pull *pull, size_t index)
{
	return pull->config ? pull->config->diff_ids[index]
			    : pull->manifest->items[index].descriptor.digest;
}

/* One job: a layer that was not there, or whose blob is to be kept. */

struct layer_job {
	struct pull *pull;
	size_t index;
	uint64_t reported; /* bytes of the blob in pull->done_bytes */
};

void pull_report(struct pull *pull)
{
	const struct progress *progress = &pull->request->progress;
	struct progress_state state = {
		.phase = "pull",
		.done_count = pull->done_count,
		.done_bytes = pull->done_bytes,
		.all_count = pull->all_count,
		.all_bytes = pull->all_bytes,
	};

	if (progress->report)
		progress->report(progress->context, &state);
}

static int job_progress(void *context, uint64_t blob_bytes, uint64_t tar_bytes)
{
	struct layer_job *job = context;

	(void)tar_bytes;
	job->pull->done_bytes += blob_bytes - job->reported;
	job->reported = blob_bytes;
	pull_report(job->pull);
	return 0;
}

/* Whether layers come from the source unpacked, and not as the blobs of the manifest. */
static bool layers_are_plain(const struct pull *pull)
{
	return pull->config && oci_source_is_plain(pull->source);
}

/* From the kept blob when there is one, else from the source. */
static int blob_open(struct layer_job *job, struct reader *ret, struct diag *why)
{
	struct pull *pull = job->pull;
	const struct digest *kept = &pull->blobs[job->index];
	struct splitstream *stream;
	int r;

	if (kept->algorithm == DIGEST_NONE)
		return oci_source_blob(pull->source, &pull->manifest->items[job->index].descriptor,
				       0, ret, why);
	r = splitstream_open(pull->store, kept, STREAM_TYPE_OCI_BLOB, &stream, why);
	return r < 0 ? r : splitstream_reader(pull->store, stream, ret, why);
}

static int layer_bring(struct layer_job *job, const char *name, struct diag *why)
{
	struct pull *pull = job->pull;
	bool counts = pull->blobs[job->index].algorithm == DIGEST_NONE;
	struct layer_request request = {
		.blob = pull->manifest->items[job->index].descriptor,
		.diff_id = pull->config->diff_ids[job->index],
		.progress = counts ? job_progress : NULL,
		.context = job,
	};
	struct reader blob = READER_NONE;
	struct layer_result result;
	int r;

	/* The diff_id is all that can be checked of an archive that is not the blob. */
	if (counts && layers_are_plain(pull)) {
		request.tar_bytes_max = layer_bytes_max(request.blob.size);
		request.blob = (struct oci_descriptor){0};
	}

	r = blob_open(job, &blob, why);
	if (r < 0)
		return r;
	r = layer_import(pull->transaction, &blob, &request, &result, why);
	reader_close(&blob);
	if (r == 0)
		r = pull_sync(pull, why);
	if (r == 0)
		r = stream_link(pull->store, name, &result.stream_id, why);
	if (r < 0)
		return r;
	if (counts)
		(void)job_progress(job, result.blob_bytes, result.tar_bytes);
	pull->layers[job->index] = result.stream_id;
	return 0;
}

/* The compressed layer, under the name of its digest. */
static int blob_keep(struct layer_job *job, struct diag *why)
{
	struct pull *pull = job->pull;
	const struct oci_descriptor *blob = &pull->manifest->items[job->index].descriptor;
	char name[STREAM_NAME_SIZE_MAX];
	int r;

	oci_stream_name(OCI_PART_BLOB, &blob->digest, name);
	r = pull_stream_find(pull->store, name, STREAM_TYPE_OCI_BLOB, &pull->blobs[job->index]);
	if (r == -ENOENT && layers_are_plain(pull))
		return diag_set(why, -EOPNOTSUPP,
				"the source has it unpacked only, there is no blob to keep");
	if (r == -ENOENT)
		r = pull_blob(pull, blob, name, &pull->blobs[job->index], why);
	return r;
}

static int job_do(struct layer_job *job, struct diag *why)
{
	struct pull *pull = job->pull;
	struct digest layer = pull_layer_name(pull, job->index);
	char name[STREAM_NAME_SIZE_MAX];
	int r = 0;

	oci_stream_name(OCI_PART_LAYER, &layer, name);
	if (!pull->config)
		return pull_blob(pull, &pull->manifest->items[job->index].descriptor, name,
				 &pull->layers[job->index], why);
	/* A blob that is not compressed comes back from its layer. */
	if (pull->request->keep_blobs &&
	    !digest_equal(&layer, &pull->manifest->items[job->index].descriptor.digest))
		r = blob_keep(job, why);
	if (r == 0 && pull->layers[job->index].algorithm == DIGEST_NONE)
		r = layer_bring(job, name, why);
	return r;
}

static int job_run(void *context, void *item, struct diag *why)
{
	struct layer_job *job = item;
	struct pull *pull = context;
	char text[OCI_DIGEST_SIZE_MAX];
	int r = job_do(job, why);

	if (r < 0)
		r = diag_wrap(why, r, "layer %zu of %zu (%.19s)", job->index + 1,
			      pull->manifest->count,
			      oci_digest_text(&pull->manifest->items[job->index].descriptor.digest,
					      text));
	pull->done_count++;
	pull_report(pull);
	free(job);
	return r;
}

/* Which jobs there are */

/* The first layer with the same content; itself, if there is none before it. */
static size_t first_alike(const struct pull *pull, size_t index)
{
	struct digest wanted = pull_layer_name(pull, index);

	for (size_t i = 0; i < index; i++) {
		struct digest found = pull_layer_name(pull, i);

		if (digest_equal(&wanted, &found) &&
		    digest_equal(&pull->manifest->items[i].descriptor.digest,
				 &pull->manifest->items[index].descriptor.digest))
			return i;
	}
	return index;
}

static bool blob_is_wanted(const struct pull *pull, size_t index)
{
	struct digest layer = pull_layer_name(pull, index);

	return pull->request->keep_blobs && pull->config &&
	       !digest_equal(&layer, &pull->manifest->items[index].descriptor.digest);
}

/* Bytes to be read for a layer. */
static uint64_t layer_size(const struct pull *pull, size_t index)
{
	const struct oci_descriptor *blob = &pull->manifest->items[index].descriptor;

	return layers_are_plain(pull) ? oci_source_plain_size(pull->source, blob) : blob->size;
}

/* What is there already goes into pull->layers; returns whether anything is left to do. */
static int layer_is_missing(struct pull *pull, size_t index)
{
	struct digest layer = pull_layer_name(pull, index);
	char name[STREAM_NAME_SIZE_MAX];
	int r;

	oci_stream_name(OCI_PART_LAYER, &layer, name);
	r = pull_stream_find(pull->store, name,
			     pull->config ? STREAM_TYPE_OCI_LAYER : STREAM_TYPE_OCI_BLOB,
			     &pull->layers[index]);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		pull->result.present_count++;
	return r == -ENOENT || blob_is_wanted(pull, index);
}

static int jobs_add(struct pull *pull, const bool *is_wanted, struct workers *workers)
{
	for (size_t i = 0; i < pull->manifest->count; i++) {
		struct layer_job *job;
		int r;

		if (!is_wanted[i])
			continue;
		job = malloc(sizeof(*job));
		if (!job)
			return -ENOMEM;
		*job = (struct layer_job){.pull = pull, .index = i};
		r = workers_add(workers, job);
		if (r < 0)
			return r;
	}
	return 0;
}

static int jobs_run(struct pull *pull, const bool *is_wanted, struct diag *why)
{
	unsigned int threads = pull->request->jobs ? pull->request->jobs : PULL_JOBS_DEFAULT;
	struct workers *workers;
	int r, added;

	if (threads > PULL_JOBS_MAX)
		threads = PULL_JOBS_MAX;
	if (threads > pull->all_count)
		threads = (unsigned int)pull->all_count;
	if (threads == 0)
		return 0;
	r = workers_new(threads, job_run, free, pull, &workers);
	if (r < 0)
		return r;
	added = jobs_add(pull, is_wanted, workers);
	r = workers_finish(workers, why);
	return r < 0 ? r : added;
}

static bool layer_is_lazy(const struct pull *pull, size_t index)
{
	return pull->tocs && pull->tocs[index];
}

int pull_layers(struct pull *pull, struct diag *why)
{
	size_t count = pull->manifest->count;
	CLEAN(memory_freep) bool *is_wanted = calloc(count + 1, sizeof(*is_wanted));
	int r;

	pull->layers = calloc(count + 1, sizeof(*pull->layers));
	pull->blobs = calloc(count + 1, sizeof(*pull->blobs));
	if (!is_wanted || !pull->layers || !pull->blobs)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		r = layer_is_missing(pull, i);
		if (r < 0)
			return r;
		is_wanted[i] = r > 0 && first_alike(pull, i) == i && !layer_is_lazy(pull, i);
		if (!is_wanted[i])
			continue;
		pull->all_count++;
		if (ckd_add(&pull->all_bytes, pull->all_bytes, layer_size(pull, i)))
			return diag_set(why, -E2BIG, "the layers are larger than any disk");
	}
	r = jobs_run(pull, is_wanted, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		size_t first = first_alike(pull, i);

		pull->layers[i] = pull->layers[first];
		pull->blobs[i] = pull->blobs[first];
	}
	return 0;
}
