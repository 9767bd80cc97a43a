/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * In order: the manifest (of the platform, if there are several), the config, the layers that are
 * not there, each named when it is on disk; the EROFS images, the streams of config and manifest,
 * all on disk; their names; the tag.
 */
#include "ops/pull.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/config.h"
#include "oci/image_name.h"
#include "oci/manifest.h"
#include "oci/source.h"
#include "ops/pull_private.h"
#include "store/images.h"
#include "store/lazy_names.h"
#include "store/objects.h"
#include "store/store.h"
#include "store/streams.h"
#include "store/tags.h"

void pull_result_release(struct pull_result *result)
{
	free(result->tag);
	*result = (struct pull_result){0};
}

static void pull_init(struct pull *pull, struct store *store, const struct pull_request *request)
{
	*pull = (struct pull){.request = request, .store = store};
	(void)pthread_mutex_init(&pull->sync.lock, NULL);
	(void)pthread_cond_init(&pull->sync.changed, NULL);
}

static void pull_release(struct pull *pull)
{
	int saved = errno;

	transaction_abort(pull->transaction);
	oci_source_close(pull->source);
	oci_reference_release(&pull->reference);
	buf_release(&pull->manifest_bytes);
	pull_lazy_release(pull); /* as many as the manifest has layers */
	oci_manifest_free(pull->manifest);
	buf_release(&pull->config_bytes);
	oci_config_free(pull->config);
	free(pull->layers);
	free(pull->blobs);
	oci_links_release(&pull->erofs);
	pull_result_release(&pull->result);
	(void)pthread_mutex_destroy(&pull->sync.lock);
	(void)pthread_cond_destroy(&pull->sync.changed);
	errno = saved;
}

/* Names, when all is on disk */

/* images/<digest> for each EROFS image. The objects are durable: the transactions are empty. */
static int images_link(struct pull *pull, struct diag *why)
{
	for (size_t i = 0; i < pull->erofs.count; i++) {
		struct transaction *transaction;
		int r = transaction_begin(pull->store, &transaction, why);

		if (r == 0)
			r = image_publish(pull->store, transaction, &pull->erofs.items[i].id, NULL,
					  why);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A fill ends when it ends: the tag may have been taken away, or given to another image. */
static bool is_tagged(const struct pull *pull)
{
	struct digest named;

	return !pull->request->is_fill ||
	       (lazy_name_get(pull->store, pull->result.tag, &named) == 0 &&
		digest_equal(&named, &pull->digest));
}

static int names_link(struct pull *pull, const struct digest *config_id,
		      const struct digest *manifest_id, struct diag *why)
{
	char name[STREAM_NAME_SIZE_MAX];
	int r;

	r = images_link(pull, why);
	if (r == 0)
		r = stream_link(pull->store,
				oci_stream_name(OCI_PART_CONFIG, &pull->result.config, name),
				config_id, why);
	if (r == 0)
		r = stream_link(pull->store,
				oci_stream_name(OCI_PART_MANIFEST, &pull->digest, name),
				manifest_id, why);
	if (r == 0 && is_tagged(pull))
		r = tag_set(pull->store, pull->result.tag, name, why);
	return r < 0 ? r : pull_lazy_finish(pull, name, why);
}

/* What the repository has of this manifest already. NULL: nothing, or nothing whole. */
static int before_open(const struct pull *pull, struct oci_image **ret)
{
	char text[OCI_DIGEST_SIZE_MAX];
	int r = oci_image_open(pull->store, oci_digest_text(&pull->digest, text), ret, NULL);

	return r == -ENOMEM ? r : 0;
}

/* The image that is told of: the version that the repository prefers. */
static int image_choose(struct pull *pull, struct diag *why)
{
	unsigned int preferred = (unsigned int)store_config(pull->store).erofs_version;

	for (unsigned int i = 0; i < 3; i++) {
		unsigned int version = i == 0 ? preferred : i;
		const char *name = oci_image_erofs_name(version);
		const struct digest *image = name ? oci_links_find(&pull->erofs, name) : NULL;

		if (!image)
			continue;
		pull->result.image = *image;
		pull->result.version = version;
		image = oci_links_find(&pull->erofs, oci_image_boot_name(version));
		if (image)
			pull->result.boot_image = *image;
		return 0;
	}
	return diag_set(why, -EINVAL, "no image was made");
}

static int expected_check(const struct pull *pull, struct diag *why)
{
	char hex[DIGEST_HEX_SIZE_MAX];
	struct digest expected;

	if (!pull->request->expected_digest)
		return 0;
	if (digest_parse(span_of_string(pull->request->expected_digest), &expected) < 0)
		return diag_set(why, -EINVAL, "'%.150s' is no digest",
				pull->request->expected_digest);
	for (size_t i = 0; i < pull->erofs.count; i++) {
		if (digest_equal(&pull->erofs.items[i].id, &expected))
			return 0;
	}
	return diag_set(why, -EBADMSG, "the image is %s, not what was expected",
			digest_hex(&pull->result.image, hex));
}

static int finish(struct pull *pull, struct diag *why)
{
	CLEAN(oci_image_freep) struct oci_image *before = NULL;
	struct digest config_id, manifest_id;
	int r;

	r = before_open(pull, &before);
	if (r == 0 && pull->config) {
		r = pull_erofs_reuse(pull, before) ? 0 : pull_erofs(pull, why);
		if (r == 0)
			r = image_choose(pull, why);
	}
	if (r == 0)
		r = expected_check(pull, why);
	if (r == 0)
		r = pull_config_write(pull, before, &config_id, why);
	if (r == 0)
		r = pull_manifest_write(pull, before, &config_id, &manifest_id, why);
	if (r == 0)
		r = pull_sync(pull, why);
	return r < 0 ? r : names_link(pull, &config_id, &manifest_id, why);
}

static int run(struct pull *pull, struct diag *why)
{
	struct oci_platform wanted;
	int r = 0;

	if (pull->request->platform)
		r = oci_platform_parse(pull->request->platform, &wanted, why);
	else
		oci_platform_host(&wanted);
	if (r == 0)
		r = pull_source(pull, why);
	if (r == 0)
		r = pull_manifest(pull, &wanted, why);
	if (r == 0)
		r = pull_config(pull, &wanted, why);
	if (r == 0)
		r = transaction_begin(pull->store, &pull->transaction, why);
	if (r == 0 && pull->request->is_lazy)
		r = pull_lazy(pull, why);
	if (r != 0)
		return r < 0 ? r : 0;
	r = pull_layers(pull, why);
	return r < 0 ? r : finish(pull, why);
}

int pull_opened(struct store *store, struct oci_source *source, const struct pull_request *request,
		struct pull_result *ret, struct diag *why)
{
	CLEAN(pull_release) struct pull pull;
	struct object_stats stats;
	int r;

	pull_init(&pull, store, request);
	pull.source = source;
	r = run(&pull, why);
	if (r < 0)
		return r;
	stats = transaction_stats(pull.transaction);
	pull.result.manifest = pull.digest;
	pull.result.layer_count = pull.manifest->count;
	pull.result.blob_bytes = pull.done_bytes;
	pull.result.added_count = stats.added_count;
	pull.result.added_bytes = stats.added_bytes;
	*ret = pull.result;
	pull.result = (struct pull_result){0};
	return 0;
}

int pull_image(struct store *store, const struct pull_request *request, struct pull_result *ret,
	       struct diag *why)
{
	return pull_opened(store, NULL, request, ret, why);
}
