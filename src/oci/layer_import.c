/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Four stages, each a thread, with two rings of buffers between them:
 *
 *   fetch: read and hash the blob ──packed──▶ inflate ──plain──┬──▶ hash: the diff_id
 *                                                              └──▶ unpack: objects and the stream
 *                                                                   (layer_unpack.c)
 *
 * An error travels down with the bytes: whoever reads a ring gets it when he has read them all.
 * Backwards, a stage that cannot go on cancels the ring that it reads, and so on up. Only fetch may
 * go on alone then: when the layer turned out to be malformed, its digest says whether the layer is
 * to blame or whoever delivered it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/pieces.h"
#include "base/reader.h"
#include "base/ring.h"
#include "oci/inflate.h"
#include "oci/layer.h"
#include "oci/layer_private.h"
#include "store/splitstream.h"
#include "verity/sha.h"

/* A slot fits the second-level cache of a core beside what the stage has; eight let one stage pause
 * (for the disk, or the network) while the others go on. */
#define SLOT_SIZE ((size_t)256 * 1024)
#define SLOT_COUNT 8

enum { READER_INFLATE = 0 };                 /* of packed */
enum { READER_HASH = 0, READER_UNPACK = 1 }; /* of plain */

struct stage {
	pthread_t thread;
	bool is_running;
	int error;
	struct diag why;
};

struct import {
	const struct layer_request *request;
	const struct reader *blob;
	struct ring *packed; /* owned */
	struct ring *plain;  /* owned */
	struct stage fetch, inflate, hash;
	/* The bytes made no sense: fetch reads on. Set before a ring is cancelled for it. */
	_Atomic bool is_malformed;
	_Atomic uint64_t tar_bytes; /* inflated so far */

	/* Of fetch until it is joined: */
	struct sha *blob_sha; /* owned; NULL where no digest was promised */
	uint64_t blob_bytes;
	/* Of hash until it is joined: */
	struct sha *diff_sha; /* owned */
	struct digest diff_id;
	/* Of the caller's thread: */
	struct layer_unpack unpack;
};

uint64_t layer_bytes_max(uint64_t blob_bytes)
{
	uint64_t bytes;

	if (ckd_mul(&bytes, blob_bytes, LAYER_RATIO_MAX))
		return UINT64_MAX;
	return bytes > LAYER_FREE_SIZE ? bytes : LAYER_FREE_SIZE;
}

/* Fetch */

static bool is_promised(const struct import *import)
{
	return import->request->blob.digest.algorithm != DIGEST_NONE;
}

/* Some bytes of the blob were read. */
static int fetched(struct import *import, struct span bytes, struct diag *why)
{
	const struct layer_request *request = import->request;
	int r;

	import->blob_bytes += bytes.size;
	if (import->blob_sha) {
		if (import->blob_bytes > request->blob.size)
			return diag_set(why, -EBADMSG,
					"the blob is larger than the %llu bytes promised",
					(unsigned long long)request->blob.size);
		r = sha_update(import->blob_sha, bytes);
		if (r < 0)
			return diag_set(why, r, "libcrypto cannot hash");
	}
	if (!request->progress)
		return 0;
	r = request->progress(request->context, import->blob_bytes,
			      atomic_load_explicit(&import->tar_bytes, memory_order_relaxed));
	return r < 0 ? diag_errno(why, r, "stopped") : 0;
}

static int fetch_finish(struct import *import, struct diag *why)
{
	const struct oci_descriptor *promised = &import->request->blob;
	char expected[OCI_DIGEST_SIZE_MAX], found[OCI_DIGEST_SIZE_MAX];
	struct digest digest;
	int r;

	if (!import->blob_sha)
		return 0;
	if (import->blob_bytes != promised->size)
		return diag_set(why, -EBADMSG, "the blob has %llu bytes, not the %llu promised",
				(unsigned long long)import->blob_bytes,
				(unsigned long long)promised->size);
	r = sha_finish(import->blob_sha, &digest);
	if (r < 0)
		return diag_set(why, r, "libcrypto cannot hash");
	if (!digest_equal(&digest, &promised->digest))
		return diag_set(why, -EBADMSG, "the blob is %s, not the %s promised",
				oci_digest_text(&digest, found),
				oci_digest_text(&promised->digest, expected));
	return 0;
}

/* Nobody wants the bytes any more, but whether they are what was promised. */
static int fetch_alone(struct import *import, struct diag *why)
{
	CLEAN(memory_freep) uint8_t *buffer = NULL;
	ssize_t got;

	if (!import->blob_sha || !atomic_load(&import->is_malformed) ||
	    import->request->blob.size - import->blob_bytes > LAYER_BLAME_SIZE_MAX)
		return -ECANCELED;
	buffer = malloc(SLOT_SIZE);
	if (!buffer)
		return -ENOMEM;
	while ((got = reader_read(import->blob, buffer, SLOT_SIZE, why)) > 0) {
		int r = fetched(import, span_of(buffer, (size_t)got), why);

		if (r < 0)
			return r;
	}
	return got < 0 ? (int)got : fetch_finish(import, why);
}

static int fetch(struct import *import, struct diag *why)
{
	uint8_t *room;

	while (ring_room(import->packed, &room) == 0) {
		ssize_t got = reader_read(import->blob, room, SLOT_SIZE, why);
		int r;

		if (got <= 0)
			return got < 0 ? (int)got : fetch_finish(import, why);
		r = fetched(import, span_of(room, (size_t)got), why);
		if (r < 0)
			return r;
		ring_put(import->packed, (size_t)got);
	}
	return fetch_alone(import, why);
}

static void *fetch_thread(void *context)
{
	struct import *import = context;
	struct stage *stage = &import->fetch;

	stage->error = fetch(import, &stage->why);
	ring_end(import->packed, stage->error, &stage->why);
	return NULL;
}

/* Inflate */

static int packed_next(void *context, struct span *ret, struct diag *why)
{
	struct import *import = context;

	return ring_next(import->packed, READER_INFLATE, ret, why);
}

static uint64_t tar_bytes_max(const struct import *import)
{
	const struct layer_request *request = import->request;

	if (request->tar_bytes_max)
		return request->tar_bytes_max;
	return is_promised(import) ? layer_bytes_max(request->blob.size) : UINT64_MAX;
}

static int inflate_all(struct import *import, const struct reader *reader, struct diag *why)
{
	uint8_t *room;

	while (ring_room(import->plain, &room) == 0) {
		size_t filled = 0;
		ssize_t got = 1;

		/* Whole slots: what reads them has less to stitch together. */
		while (filled < SLOT_SIZE && got > 0) {
			got = reader_read(reader, room + filled, SLOT_SIZE - filled, why);
			filled += got > 0 ? (size_t)got : 0;
		}
		atomic_fetch_add_explicit(&import->tar_bytes, filled, memory_order_relaxed);
		if (filled)
			ring_put(import->plain, filled);
		if (got <= 0)
			return (int)got;
	}
	return -ECANCELED;
}

static void *inflate_thread(void *context)
{
	struct import *import = context;
	struct stage *stage = &import->inflate;
	const struct pieces packed = {packed_next, import};
	struct reader reader;

	stage->error = inflate_open(&packed, tar_bytes_max(import), &reader);
	if (stage->error == 0) {
		stage->error = inflate_all(import, &reader, &stage->why);
		reader_close(&reader);
	}
	if (stage->error == -EUCLEAN || stage->error == -E2BIG)
		atomic_store(&import->is_malformed, true);
	ring_cancel(import->packed);
	ring_end(import->plain, stage->error, &stage->why);
	return NULL;
}

/* Hash */

static int hash_all(struct import *import, struct diag *why)
{
	struct span bytes;
	int r;

	while ((r = ring_next(import->plain, READER_HASH, &bytes, why)) > 0) {
		r = sha_update(import->diff_sha, bytes);
		if (r < 0) {
			ring_cancel(import->plain);
			return diag_set(why, r, "libcrypto cannot hash");
		}
	}
	return r < 0 ? r : sha_finish(import->diff_sha, &import->diff_id);
}

static void *hash_thread(void *context)
{
	struct import *import = context;
	struct stage *stage = &import->hash;

	stage->error = hash_all(import, &stage->why);
	return NULL;
}

/* All together */

static int plain_next(void *context, struct span *ret, struct diag *why)
{
	struct import *import = context;

	return ring_next(import->plain, READER_UNPACK, ret, why);
}

static int stage_start(struct import *import, struct stage *stage, void *(*run)(void *),
		       struct diag *why)
{
	int err = pthread_create(&stage->thread, NULL, run, import);

	stage->is_running = err == 0;
	return err ? diag_errno(why, -err, "cannot start a thread") : 0;
}

static void stage_join(struct stage *stage)
{
	if (stage->is_running)
		(void)pthread_join(stage->thread, NULL);
	stage->is_running = false;
}

static int stages_run(struct import *import, struct diag *why)
{
	const struct pieces plain = {plain_next, import};
	int r = stage_start(import, &import->fetch, fetch_thread, why);

	if (r == 0)
		r = stage_start(import, &import->inflate, inflate_thread, why);
	if (r == 0)
		r = stage_start(import, &import->hash, hash_thread, why);
	if (r == 0)
		r = layer_unpack(&import->unpack, &plain, why);
	if (r == -EUCLEAN || r == -E2BIG || r == -EOPNOTSUPP)
		atomic_store(&import->is_malformed, true);
	if (r < 0) {
		ring_cancel(import->plain);
		if (!import->inflate.is_running)
			ring_cancel(import->packed); /* nobody else would */
	}
	stage_join(&import->hash);
	stage_join(&import->inflate);
	stage_join(&import->fetch);
	return r;
}

static int told(const struct stage *stage, struct diag *why)
{
	if (why)
		*why = stage->why;
	return stage->error;
}

/* What the import comes to, when unpacking came to r. */
static int verdict(const struct import *import, int r, struct diag *why)
{
	const struct digest *promised = &import->request->diff_id;
	char expected[OCI_DIGEST_SIZE_MAX], found[OCI_DIGEST_SIZE_MAX];

	/* The blob itself is to blame, whatever else came of it. */
	if (import->fetch.error < 0 && import->fetch.error != -ECANCELED)
		return told(&import->fetch, why);
	/* The hash is in trouble: unpacking heard no more than that it was cancelled. */
	if (r == -ECANCELED && import->hash.error < 0 && import->hash.error != -ECANCELED)
		return told(&import->hash, why);
	if (r < 0)
		return r;
	if (import->hash.error < 0)
		return told(&import->hash, why);
	if (promised->algorithm != DIGEST_NONE && !digest_equal(promised, &import->diff_id))
		return diag_set(why, -EBADMSG, "the layer inflates to %s, not to the %s promised",
				oci_digest_text(&import->diff_id, found),
				oci_digest_text(promised, expected));
	return 0;
}

static int import_open(struct import *import, struct diag *why)
{
	const struct layer_request *request = import->request;
	enum digest_algorithm diff = (enum digest_algorithm)request->diff_id.algorithm;
	int r = 0;

	if (is_promised(import))
		r = sha_new((enum digest_algorithm)request->blob.digest.algorithm,
			    &import->blob_sha, why);
	if (r == 0)
		r = sha_new(diff == DIGEST_NONE ? DIGEST_SHA256 : diff, &import->diff_sha, why);
	if (r == 0)
		r = ring_new(SLOT_COUNT, SLOT_SIZE, 1, &import->packed);
	if (r == 0)
		r = ring_new(SLOT_COUNT, SLOT_SIZE, 2, &import->plain);
	return r < 0 ? r : layer_unpack_open(&import->unpack, tar_bytes_max(import), why);
}

static void import_release(struct import *import)
{
	splitstream_writer_abort(import->unpack.stream);
	ring_free(import->packed);
	ring_free(import->plain);
	sha_free(import->blob_sha);
	sha_free(import->diff_sha);
}

int layer_import(struct transaction *transaction, const struct reader *blob,
		 const struct layer_request *request, struct layer_result *ret, struct diag *why)
{
	CLEAN(import_release)
	struct import import = {
		.request = request, .blob = blob, .unpack = {.transaction = transaction}};
	struct digest stream_id;
	int r;

	r = import_open(&import, why);
	if (r < 0)
		return r;
	r = verdict(&import, stages_run(&import, why), why);
	if (r < 0)
		return r;
	r = splitstream_writer_finish(TAKE(import.unpack.stream), &stream_id, why);
	if (r < 0)
		return r;
	*ret = (struct layer_result){
		.stream_id = stream_id,
		.diff_id = import.diff_id,
		.blob_bytes = import.blob_bytes,
		.tar_bytes = atomic_load(&import.tar_bytes),
		.entry_count = import.unpack.entry_count,
		.file_count = import.unpack.file_count,
	};
	return 0;
}
