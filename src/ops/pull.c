/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * In order: the manifest (of the platform, if there are several), the config, the layers that are
 * not there, each named when it is on disk; the EROFS images, the streams of config and manifest,
 * all on disk; their names; the tag.
 */
#include "ops/pull.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/config.h"
#include "oci/fetch.h"
#include "oci/image_name.h"
#include "oci/manifest.h"
#include "oci/source.h"
#include "ops/image_source.h"
#include "ops/lazy.h"
#include "ops/names.h"
#include "ops/pull_private.h"
#include "store/images.h"
#include "store/lazy_names.h"
#include "store/objects.h"
#include "store/splitstream.h"
#include "store/store.h"
#include "store/tags.h"

#define EROFS_PREFIX "composefs."

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

/* What it will be called */

/* own_name is what the image calls itself, if it does. */
static int tag_make(const struct pull_request *request, const struct oci_reference *reference,
		    const char *own_name, char **ret, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	int r;

	if (request->name)
		r = buf_append_string(&text, request->name);
	else if (reference->id_prefix && own_name) /* what read as a name was an id */
		r = buf_append_string(&text, own_name);
	else if (reference->repository)
		r = oci_reference_format_name(reference, &text);
	else if (own_name)
		r = buf_append_string(&text, own_name);
	else
		return diag_set(why, -EINVAL,
				"the image has no name of its own: give one behind it");
	if (r < 0 || !buf_string(&text))
		return -ENOMEM;
	r = oci_tag_check(buf_string(&text), why);
	if (r < 0)
		return r;
	*ret = strdup(buf_string(&text));
	return *ret ? 0 : -ENOMEM;
}

/* The manifest */

/*
 * What is no reference may be what a lazy pull was told to call its image: the rest of that, then,
 * whatever the registry has under its tag by now. Returns 1 then, with *request to be used.
 */
static int reference_of_lazy(struct pull *pull, struct lazy_image **ret,
			     struct pull_request *request, struct diag *why)
{
	const char *name = pull->request->source;
	struct registry_options options;
	int r = pull->request->is_lazy ? -ENOENT : lazy_image_find(pull->store, name, ret, NULL);

	if (r < 0)
		return 0;
	options = lazy_state_registry(&(*ret)->state);
	*request = *pull->request;
	request->name = request->name ? request->name : name;
	if (request->registry.tls == REGISTRY_TLS_AS_CONFIGURED)
		request->registry.tls = options.tls;
	if (!request->registry.auth_file && !request->registry.credentials)
		request->registry.auth_file = options.auth_file;
	if (!request->registry.registries_conf)
		request->registry.registries_conf = options.registries_conf;
	if (!request->registry.certs_dir)
		request->registry.certs_dir = options.certs_dir;
	r = oci_reference_parse((*ret)->state.source, &pull->reference, why);
	return r < 0 ? r : 1;
}

static int reference_open(struct pull *pull, struct diag *why)
{
	CLEAN(lazy_image_closep) struct lazy_image *lazy = NULL;
	CLEAN(memory_freep) char *own_name = NULL;
	const struct pull_request *request = pull->request;
	struct pull_request of_lazy;
	struct diag reason = {0};
	int r;

	r = oci_reference_parse(request->source, &pull->reference, &reason);
	if (r < 0) {
		int found = reference_of_lazy(pull, &lazy, &of_lazy, why);

		if (found <= 0)
			return found < 0 ? found : diag_set(why, r, "%s", diag_text(&reason, r));
		request = &of_lazy;
	}
	r = image_source_open(&pull->reference, &request->registry, &pull->source, &own_name, why);
	if (r == 0)
		r = tag_make(request, &pull->reference, own_name, &pull->result.tag, why);
	if (r == 0)
		r = name_check_free(pull->store, pull->result.tag, NAME_TAG, why);
	return r;
}

/* Unless somebody has opened it. */
static int source_prepare(struct pull *pull, struct diag *why)
{
	const struct oci_reference none = {0};
	int r;

	if (pull->source)
		r = tag_make(pull->request, &none, NULL, &pull->result.tag, why);
	else
		r = reference_open(pull, why);
	return r < 0 ? r : name_check_free(pull->store, pull->result.tag, NAME_TAG, why);
}

/* One document: the reference's, or what an index lists. */
static int document_take(struct pull *pull, const struct oci_descriptor *which, struct diag *why)
{
	char media_type[MEDIA_TYPE_SIZE_MAX] = "";
	int r;

	pull->manifest_bytes.size = 0;
	r = image_source_manifest(pull->source, &pull->reference, which, &pull->manifest_bytes,
				  media_type, &pull->digest, why);
	if (r < 0)
		return r;
	return oci_manifest_parse(buf_span(&pull->manifest_bytes), media_type, &pull->manifest,
				  why);
}

static int manifest_take(struct pull *pull, const struct oci_platform *wanted, struct diag *why)
{
	struct oci_descriptor which;
	int r;

	r = document_take(pull, NULL, why);
	for (int depth = 0; r == 0 && oci_manifest_is_index(pull->manifest); depth++) {
		const struct oci_item *item;

		if (depth == INDEX_DEPTH_MAX)
			return diag_set(why, -E2BIG, "indexes within indexes");
		r = oci_index_choose(pull->manifest, wanted, &item, why);
		if (r < 0)
			return r;
		which = item->descriptor;
		oci_manifest_freep(&pull->manifest);
		r = document_take(pull, &which, why);
	}
	return r < 0 ? diag_wrap(why, r, "manifest") : 0;
}

/* The config */

static int config_fit(struct pull *pull, const struct oci_platform *wanted, struct diag *why)
{
	char is[PLATFORM_TEXT_SIZE_MAX], was[PLATFORM_TEXT_SIZE_MAX];
	const struct oci_platform *found = &pull->config->platform;
	int r;

	r = oci_manifest_check_layers(pull->manifest, why);
	if (r == 0)
		r = oci_config_check_manifest(pull->config, pull->manifest, why);
	if (r < 0)
		return r;
	pull->result.platform = *found;
	pull->result.is_other_platform =
		found->architecture[0] && oci_platform_match(wanted, found) == 0;
	if (pull->result.is_other_platform && pull->request->platform)
		return diag_set(why, -ENOENT, "the image is for %s, not for %s",
				oci_platform_text(found, is), oci_platform_text(wanted, was));
	return 0;
}

static int config_take(struct pull *pull, const struct oci_platform *wanted, struct diag *why)
{
	const struct oci_descriptor *descriptor = &pull->manifest->config.descriptor;
	int r;

	r = oci_fetch(pull->source, descriptor, MANIFEST_SIZE_MAX, &pull->config_bytes, why);
	if (r == 0 && !oci_manifest_is_artifact(pull->manifest)) {
		r = oci_config_parse(buf_span(&pull->config_bytes), &pull->config, why);
		if (r == 0)
			r = config_fit(pull, wanted, why);
	}
	if (r < 0)
		return diag_wrap(why, r, "config");
	pull->result.config = descriptor->digest;
	return 0;
}

/* Streams of config and manifest */

static int layers_link(const struct pull *pull, struct oci_links *links)
{
	char name[OCI_DIGEST_SIZE_MAX];
	int r = 0;

	for (size_t i = 0; i < pull->manifest->count && r == 0; i++) {
		struct digest layer = pull_layer_name(pull, i);

		r = oci_links_put(links, oci_digest_text(&layer, name), &pull->layers[i]);
	}
	return r;
}

/* What others have put beside it stays: boot images of composefs-rs, say. */
static int links_keep(const struct oci_links *from, const char *prefix, struct oci_links *links)
{
	int r = 0;

	for (size_t i = 0; i < from->count && r == 0; i++) {
		const struct oci_link *link = &from->items[i];

		if (strncmp(link->name, prefix, strlen(prefix)) == 0 &&
		    !oci_links_find(links, link->name))
			r = oci_links_put(links, link->name, &link->id);
	}
	return r;
}

static int config_write(struct pull *pull, const struct oci_image *before, struct digest *ret_id,
			struct diag *why)
{
	CLEAN(oci_links_release) struct oci_links links = {0};
	int r;

	r = layers_link(pull, &links);
	for (size_t i = 0; i < pull->erofs.count && r == 0; i++)
		r = oci_links_put(&links, pull->erofs.items[i].name, &pull->erofs.items[i].id);
	if (r == 0 && before)
		r = links_keep(&before->config_links, EROFS_PREFIX, &links);
	if (r < 0)
		return r;
	return oci_stream_write(pull->transaction, STREAM_TYPE_OCI_CONFIG,
				buf_span(&pull->config_bytes), &links, ret_id, why);
}

/* Kept blobs are named in the manifest's stream: garbage collection walks there. */
static int blobs_link(const struct pull *pull, struct oci_links *links)
{
	char name[OCI_KEPT_BLOB_SIZE_MAX];
	int r = 0;

	for (size_t i = 0; i < pull->manifest->count && r == 0; i++) {
		if (pull->blobs[i].algorithm == DIGEST_NONE)
			continue;
		(void)oci_kept_blob_name(&pull->manifest->items[i].descriptor.digest, name);
		r = oci_links_put(links, name, &pull->blobs[i]);
	}
	return r;
}

static int manifest_write(struct pull *pull, const struct oci_image *before,
			  const struct digest *config_id, struct digest *ret_id, struct diag *why)
{
	CLEAN(oci_links_release) struct oci_links links = {0};
	char name[sizeof("config:") + OCI_DIGEST_SIZE_MAX] = "config:";
	int r;

	(void)oci_digest_text(&pull->result.config, name + strlen("config:"));
	r = oci_links_put(&links, name, config_id);
	if (r == 0)
		r = layers_link(pull, &links);
	if (r == 0)
		r = blobs_link(pull, &links);
	if (r == 0 && before)
		r = links_keep(&before->links, OCI_KEPT_BLOB_PREFIX, &links);
	if (r < 0)
		return r;
	return oci_stream_write(pull->transaction, STREAM_TYPE_OCI_MANIFEST,
				buf_span(&pull->manifest_bytes), &links, ret_id, why);
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
		r = config_write(pull, before, &config_id, why);
	if (r == 0)
		r = manifest_write(pull, before, &config_id, &manifest_id, why);
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
		r = source_prepare(pull, why);
	if (r == 0)
		r = manifest_take(pull, &wanted, why);
	if (r == 0)
		r = config_take(pull, &wanted, why);
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
