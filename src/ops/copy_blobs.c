/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/reader.h"
#include "base/workers.h"
#include "oci/manifest.h"
#include "oci/source.h"
#include "oci/transfer.h"
#include "ops/copy_private.h"
#include "ops/counted.h"

void copy_report(struct copy *copy)
{
	const struct progress *progress = &copy->request->progress;
	struct progress_state state = {
		.phase = "copy",
		.done_count = copy->done_count,
		.done_bytes = copy->done_bytes,
		.all_count = copy->all_count,
		.all_bytes = copy->all_bytes,
	};

	if (progress->report)
		progress->report(progress->context, &state);
}

void copy_count(struct copy *copy, const struct oci_descriptor *blob, enum oci_transfer_way way)
{
	if (way == OCI_TRANSFER_PRESENT)
		copy->present_count++;
	else if (way == OCI_TRANSFER_MOUNTED)
		copy->mounted_count++;
	else
		copy->sent_bytes += blob->size;
}

/* One blob */

struct blob_job {
	struct copy *copy;
	const struct oci_descriptor *blob;
	uint64_t counted_bytes; /* in copy->done_bytes */
};

static void count_bytes(void *context, size_t size_bytes)
{
	struct blob_job *job = context;

	job->counted_bytes += size_bytes;
	job->copy->done_bytes += size_bytes;
	copy_report(job->copy);
}

static int blob_open(void *context, struct reader *ret, struct diag *why)
{
	struct blob_job *job = context;
	struct reader bytes = READER_NONE;
	int r;

	/* Once more from the beginning: what was sent until now is not done. */
	job->copy->done_bytes -= job->counted_bytes;
	job->counted_bytes = 0;
	r = oci_source_blob(job->copy->source, job->blob, 0, &bytes, why);
	return r < 0 ? r : counted_reader(&bytes, count_bytes, job, ret);
}

static int blob_copy(struct copy *copy, struct blob_job *job, struct diag *why)
{
	const struct oci_transfer transfer = {
		.open = blob_open,
		.context = job,
		.repositories = copy->repositories,
	};
	enum oci_transfer_way way;
	int r = oci_transfer(copy->target, job->blob, &transfer, &way, why);

	if (r < 0)
		return r;
	copy_count(copy, job->blob, way);
	copy->done_bytes += job->blob->size - job->counted_bytes;
	return 0;
}

static int job_run(void *context, void *item, struct diag *why)
{
	struct copy *copy = context;
	struct blob_job job = {.copy = copy, .blob = item};
	char text[OCI_DIGEST_SIZE_MAX];
	int r = blob_copy(copy, &job, why);

	copy->done_count++;
	copy_report(copy);
	return r < 0 ? diag_wrap(why, r, "blob %.19s", oci_digest_text(&job.blob->digest, text))
		     : 0;
}

/* All of a manifest */

/* The same blob earlier: one of them is enough, and two at a time would both be sent. */
static bool is_repeated(const struct oci_descriptor **blobs, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (digest_equal(&blobs[i]->digest, &blobs[index]->digest))
			return true;
	}
	return false;
}

static int blobs_plan(struct copy *copy, const struct oci_manifest *manifest,
		      const struct oci_descriptor **blobs, size_t *ret_count, struct diag *why)
{
	size_t count = 0;

	for (size_t i = 0; i <= manifest->count; i++) {
		blobs[count] =
			i == 0 ? &manifest->config.descriptor : &manifest->items[i - 1].descriptor;
		if (is_repeated(blobs, count))
			continue;
		if (ckd_add(&copy->all_bytes, copy->all_bytes, blobs[count]->size))
			return diag_set(why, -E2BIG, "the blobs are larger than any disk");
		count++;
	}
	copy->all_count += count;
	*ret_count = count;
	return 0;
}

int copy_blobs(struct copy *copy, const struct oci_manifest *manifest, struct diag *why)
{
	CLEAN(memory_freep)
	const struct oci_descriptor **blobs = calloc(manifest->count + 1, sizeof(*blobs));
	unsigned int threads = copy->request->jobs ? copy->request->jobs : COPY_JOBS_DEFAULT;
	struct workers *workers;
	size_t count = 0;
	int r, added = 0;

	if (!blobs)
		return -ENOMEM;
	r = blobs_plan(copy, manifest, blobs, &count, why);
	if (r < 0)
		return r;
	if (threads > COPY_JOBS_MAX)
		threads = COPY_JOBS_MAX;
	if (threads > count)
		threads = (unsigned int)count;
	r = workers_new(threads, job_run, NULL, copy, &workers);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count && added == 0; i++)
		added = workers_add(workers, (void *)blobs[i]);
	r = workers_finish(workers, why);
	return r < 0 ? r : added;
}
