/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Images of OCI, by composefs-repository.md, 2.7: manifest, config and layers are what their
 * digests say, and all there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest_set.h"
#include "base/limits.h"
#include "base/reader.h"
#include "oci/config.h"
#include "oci/descriptor.h"
#include "oci/fetch.h"
#include "oci/layer.h"
#include "oci/manifest.h"
#include "ops/fsck_private.h"
#include "store/objects.h"
#include "store/splitstream.h"
#include "store/store.h"
#include "store/streams.h"
#include "verity/sha.h"

#define TAG_PREFIX "oci/"
#define MANIFEST_PREFIX "oci-manifest-"
#define SEAL_LABEL "containers.composefs.fsverity" /* 2.10: the old seal */

#define HASH_SIZE ((size_t)256 * 1024) /* bytes of a layer at a time */

struct oci_check {
	struct fsck *fsck;
	struct digest_set layers; /* streams that are whole */
	struct buf diff_ids;      /* of struct digest: what each of layers has as its hash */
	/* Of the image at hand: */
	const char *subject;
	struct splitstream *manifest_stream;
	struct oci_manifest *manifest;
	struct splitstream *config_stream;
	struct oci_config *config;
};

static void image_release(struct oci_check *check)
{
	oci_manifest_freep(&check->manifest);
	oci_config_freep(&check->config);
	splitstream_closep(&check->manifest_stream);
	splitstream_closep(&check->config_stream);
}

static void note(struct oci_check *check, const char *kind, int err, struct diag *why)
{
	fsck_note(check->fsck, kind, check->subject, NULL, "%s", diag_text(why, err));
}

/* All bytes of a stream that stays open for its references. */
static int read_document(struct oci_check *check, const struct digest *id, uint64_t type,
			 struct splitstream **ret, struct buf *ret_bytes, struct diag *why)
{
	struct splitstream *bytes = NULL;
	int r;

	r = splitstream_open(check->fsck->store, id, type, ret, why);
	if (r == 0)
		r = splitstream_open(check->fsck->store, id, type, &bytes, why);
	return r < 0 ? r
		     : splitstream_read_all(check->fsck->store, bytes, MANIFEST_SIZE_MAX, ret_bytes,
					    why);
}

/* The plain hash of a whole layer. */
static int hash_layer(const struct store *store, const struct digest *id,
		      const struct digest *diff_id, struct diag *why)
{
	CLEAN(memory_freep) uint8_t *buffer = malloc(HASH_SIZE);
	CLEAN(sha_freep) struct sha *sha = NULL;
	struct splitstream *stream = NULL;
	struct reader reader = READER_NONE;
	char text[OCI_DIGEST_SIZE_MAX];
	struct digest found;
	ssize_t got = 0;
	int r;

	if (!buffer)
		return -ENOMEM;
	r = sha_new((enum digest_algorithm)diff_id->algorithm, &sha, why);
	if (r == 0)
		r = splitstream_open(store, id, STREAM_TYPE_OCI_LAYER, &stream, why);
	if (r == 0)
		r = splitstream_reader(store, stream, &reader, why);
	while (r == 0 && (got = reader_read(&reader, buffer, HASH_SIZE, why)) > 0)
		r = sha_update(sha, span_of(buffer, (size_t)got));
	reader_close(&reader);
	if (r == 0)
		r = (int)got;
	if (r == 0)
		r = sha_finish(sha, &found);
	if (r < 0)
		return r;
	if (!digest_equal(diff_id, &found))
		return diag_set(why, -EBADMSG, "its content has the digest %s",
				oci_digest_text(&found, text));
	return 0;
}

/* Whether a layer was found to be good; an image may name it for another diff_id than its own. */
static bool is_good_layer(const struct oci_check *check, const struct digest *id,
			  const struct digest *diff_id)
{
	const struct digest *diff_ids = (const struct digest *)(const void *)check->diff_ids.data;
	size_t index;

	return digest_set_find(&check->layers, id, &index) &&
	       digest_equal(&diff_ids[index], diff_id);
}

static int note_good_layer(struct oci_check *check, const struct digest *id,
			   const struct digest *diff_id)
{
	int r = digest_set_put(&check->layers, id, SIZE_MAX, NULL);

	return r <= 0 ? r : buf_append(&check->diff_ids, diff_id, sizeof(*diff_id));
}

/* A layer of files. A good one is read once, however many images have it. */
static int check_layer(struct oci_check *check, const struct digest *diff_id)
{
	static const struct fsck_stream_kinds kinds = {
		.open_failed = "layer-check-failed",
		.read_failed = "layer-check-failed",
		.missing_object = "layer-object-missing",
	};
	char text[OCI_DIGEST_SIZE_MAX];
	struct diag why = {0};
	unsigned int lacks = 0;
	struct digest id;
	int r;

	oci_digest_text(diff_id, text);
	if (splitstream_reference_find(check->config_stream, span_of_string(text), &id) < 0) {
		fsck_note(check->fsck, "layer-ref-missing", check->subject, NULL,
			  "its config names no stream for layer %s", text);
		return 0;
	}
	if (!object_exists(check->fsck->store, &id)) {
		fsck_note(check->fsck, "layer-stream-missing", check->subject, NULL,
			  "the stream of layer %s is missing", text);
		return 0;
	}
	if (is_good_layer(check, &id, diff_id))
		return 0;
	r = fsck_stream(check->fsck, &id, check->subject, &kinds, &lacks);
	if (r < 0 || lacks)
		return r;
	if (!check->fsck->request->metadata_only) {
		r = hash_layer(check->fsck->store, &id, diff_id, &why);
		if (r == 0)
			r = layer_check(check->fsck->store, &id, &why);
	}
	if (r == 0)
		r = note_good_layer(check, &id, diff_id);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		(void)diag_wrap(&why, r, "layer %s", text);
		note(check, "layer-check-failed", r, &why);
	}
	return 0;
}

/* The blobs of an artifact: streams of one object each. */
static int check_blob(struct oci_check *check, const struct digest *digest)
{
	static const struct fsck_stream_kinds kinds = {
		.open_failed = "layer-check-failed",
		.read_failed = "layer-check-failed",
		.missing_object = "artifact-layer-object-missing",
	};
	char text[OCI_DIGEST_SIZE_MAX];
	unsigned int lacks;
	struct digest id;

	oci_digest_text(digest, text);
	if (splitstream_reference_find(check->manifest_stream, span_of_string(text), &id) < 0) {
		fsck_note(check->fsck, "artifact-layer-ref-missing", check->subject, NULL,
			  "no stream is named for layer %s", text);
		return 0;
	}
	if (!object_exists(check->fsck->store, &id)) {
		fsck_note(check->fsck, "artifact-layer-object-missing", check->subject, NULL,
			  "the stream of layer %s is missing", text);
		return 0;
	}
	return fsck_stream(check->fsck, &id, check->subject, &kinds, &lacks);
}

static void check_seal(struct oci_check *check)
{
	const char *seal = oci_annotation(check->config->labels, SEAL_LABEL);
	struct digest image;

	if (!seal)
		return;
	if (digest_parse(span_of_string(seal), &image) < 0 ||
	    !object_exists(check->fsck->store, &image))
		fsck_note(check->fsck, "seal-image-missing", check->subject, NULL,
			  "the image it is sealed with, %.200s, is missing", seal);
}

/* Returns 1 when there is a config to go on with, 0 when there is not, or -ENOMEM. */
static int check_config(struct oci_check *check)
{
	const struct digest *digest = &check->manifest->config.descriptor.digest;
	char name[sizeof("config:") + OCI_DIGEST_SIZE_MAX], text[OCI_DIGEST_SIZE_MAX];
	CLEAN(buf_release) struct buf bytes = {0};
	struct diag why = {0};
	struct digest id;
	int r;

	(void)snprintf(name, sizeof(name), "config:%s", oci_digest_text(digest, text));
	if (splitstream_reference_find(check->manifest_stream, span_of_string(name), &id) < 0) {
		fsck_note(check->fsck, "config-ref-missing", check->subject, NULL,
			  "no stream is named for config %s", text);
		return 0;
	}
	r = read_document(check, &id, STREAM_TYPE_OCI_CONFIG, &check->config_stream, &bytes, &why);
	if (r < 0) {
		note(check, "config-read-failed", r, &why);
		return r == -ENOMEM ? r : 0;
	}
	r = oci_digest_check(digest, buf_span(&bytes), &why);
	if (r < 0) {
		note(check, "config-digest-mismatch", r, &why);
		return r == -ENOMEM ? r : 0;
	}
	if (oci_manifest_is_artifact(check->manifest))
		return 1;
	r = oci_config_parse(buf_span(&bytes), &check->config, &why);
	if (r == 0)
		r = oci_config_check_manifest(check->config, check->manifest, &why);
	if (r < 0)
		note(check, "config-parse-failed", r, &why);
	return r == -ENOMEM ? r : r == 0;
}

/* Returns 1, 0 or -ENOMEM as check_config(). */
static int check_manifest(struct oci_check *check, const char *name, const struct digest *id)
{
	CLEAN(buf_release) struct buf bytes = {0};
	struct diag why = {0};
	struct digest digest;
	int r;

	r = read_document(check, id, STREAM_TYPE_OCI_MANIFEST, &check->manifest_stream, &bytes,
			  &why);
	if (r < 0) {
		note(check, "manifest-read-failed", r, &why);
		return r == -ENOMEM ? r : 0;
	}
	r = oci_digest_parse(span_of_string(name + strlen(MANIFEST_PREFIX)), &digest);
	if (r == 0)
		r = oci_digest_check(&digest, buf_span(&bytes), &why);
	if (r < 0) {
		note(check, "manifest-digest-mismatch", r, &why);
		return r == -ENOMEM ? r : 0;
	}
	r = oci_manifest_parse(buf_span(&bytes), "", &check->manifest, &why);
	if (r == 0 && oci_manifest_is_index(check->manifest))
		r = diag_set(&why, -EUCLEAN, "an index, not a manifest");
	if (r < 0)
		note(check, "manifest-parse-failed", r, &why);
	return r == -ENOMEM ? r : r == 0;
}

/* A layer may be there twice. */
static bool is_first(const struct oci_config *config, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (digest_equal(&config->diff_ids[i], &config->diff_ids[index]))
			return false;
	}
	return true;
}

static int check_image(struct oci_check *check, const char *name, const struct digest *id)
{
	int r = check_manifest(check, name, id);

	if (r > 0)
		r = check_config(check);
	if (r <= 0)
		return r;
	r = 0;
	if (!check->config) {
		for (size_t i = 0; i < check->manifest->count && r == 0; i++)
			r = check_blob(check, &check->manifest->items[i].descriptor.digest);
		return r;
	}
	check_seal(check);
	for (size_t i = 0; i < check->config->diff_id_count && r == 0; i++) {
		if (is_first(check->config, i))
			r = check_layer(check, &check->config->diff_ids[i]);
	}
	return r;
}

static int visit_stream(void *context, const char *name, const struct digest *id, struct diag *why)
{
	struct oci_check *check = context;
	struct fsck_count *count = &check->fsck->result.oci_images;
	char subject[FSCK_SUBJECT_SIZE];
	uint64_t before = check->fsck->result.error_count;
	int r;

	(void)why;
	if (strncmp(name, MANIFEST_PREFIX, strlen(MANIFEST_PREFIX)) != 0 ||
	    !object_exists(check->fsck->store, id))
		return 0; /* a link to nothing has been reported */
	count->checked++;
	progress_report(&check->fsck->request->progress, "OCI images", count->checked, 0);
	check->subject = fsck_subject(ENTRY_STREAM, name, subject);
	r = check_image(check, name, id);
	image_release(check);
	count->corrupted += check->fsck->result.error_count > before;
	return r;
}

/* Tags have names that the encoder made, and lead to manifests. */
static int visit_tag(void *context, const char *name, const char *target, struct diag *why)
{
	struct oci_check *check = context;
	CLEAN(buf_release) struct buf tag = {0};
	char subject[FSCK_SUBJECT_SIZE];
	const char *slash = target ? strrchr(target, '/') : NULL;
	struct digest id;
	int r;

	(void)why;
	if (strncmp(name, TAG_PREFIX, strlen(TAG_PREFIX)) != 0)
		return 0;
	fsck_subject(ENTRY_STREAM_REF, name, subject);
	r = stream_name_decode(span_of_string(name + strlen(TAG_PREFIX)), &tag);
	if (r == -EINVAL || strchr(name + strlen(TAG_PREFIX), '/'))
		fsck_note(check->fsck, "invalid-ref-name", subject, NULL, "not an encoded tag");
	else if (r < 0)
		return r;
	if (!target || entry_object(check->fsck->store, ENTRY_STREAM_REF, target, &id, NULL) < 0 ||
	    !object_exists(check->fsck->store, &id) ||
	    strncmp(slash ? slash + 1 : target, MANIFEST_PREFIX, strlen(MANIFEST_PREFIX)) != 0)
		fsck_note(check->fsck, "ref-resolve-failed", subject, NULL,
			  "does not lead to a manifest");
	return 0;
}

int fsck_oci(struct fsck *fsck, struct diag *why)
{
	struct oci_check check = {.fsck = fsck,
				  .layers = DIGEST_SET_OF(store_config(fsck->store).algorithm)};
	int r;

	r = stream_list(fsck->store, visit_stream, &check, why);
	if (r == 0)
		r = entries_each(fsck->store, ENTRY_STREAM_REF, visit_tag, &check, why);
	digest_set_release(&check.layers);
	buf_release(&check.diff_ids);
	return r;
}
