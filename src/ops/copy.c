/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * In order: what an index lists, before the index; of a manifest the blobs, before the manifest;
 * what the name leads to last. So a target never has a document that names what is not there.
 */
#include "ops/copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/manifest.h"
#include "oci/platform.h"
#include "oci/source.h"
#include "oci/target.h"
#include "ops/copy_private.h"
#include "ops/image_source.h"
#include "ops/target.h"

static void copy_release(struct copy *copy)
{
	oci_target_close(copy->target);
	oci_source_close(copy->source);
	oci_reference_release(&copy->from);
	oci_reference_release(&copy->to);
}

/* A manifest or an index that is under way. */
struct document {
	struct buf bytes;
	struct oci_manifest *manifest; /* owned */
	struct digest digest;
	size_t next; /* of an index: what is to be copied before it */
};

static void document_release(struct document *document)
{
	buf_release(&document->bytes);
	oci_manifest_free(document->manifest);
	*document = (struct document){0};
}

/* The reference's (which is NULL), or what an index lists. */
static int document_take(struct copy *copy, const struct oci_descriptor *which,
			 struct document *document, struct diag *why)
{
	char media_type[MEDIA_TYPE_SIZE_MAX] = "";
	int r;

	*document = (struct document){0};
	r = image_source_manifest(copy->source, &copy->from, which, &document->bytes, media_type,
				  &document->digest, why);
	if (r == 0)
		r = oci_manifest_parse(buf_span(&document->bytes), media_type, &document->manifest,
				       why);
	if (r < 0)
		document_release(document);
	return r;
}

/* Until it is a manifest of the platform. */
static int document_choose(struct copy *copy, const struct oci_platform *wanted,
			   struct document *document, struct diag *why)
{
	for (int depth = 0; oci_manifest_is_index(document->manifest); depth++) {
		struct oci_descriptor which;
		const struct oci_item *item;
		int r;

		if (depth == INDEX_DEPTH_MAX)
			return diag_set(why, -E2BIG, "indexes within indexes");
		r = oci_index_choose(document->manifest, wanted, &item, why);
		if (r < 0)
			return r;
		which = item->descriptor;
		document_release(document);
		r = document_take(copy, &which, document, why);
		if (r < 0)
			return r;
	}
	return 0;
}

/* All that it lists is there. */
static int document_put(struct copy *copy, struct document *document, bool is_named,
			struct copy_result *result, struct diag *why)
{
	int r = 0;

	if (copy->wants_plain)
		return copy_plain(copy, document->manifest, result, why);
	if (!oci_manifest_is_index(document->manifest)) {
		result->blob_count += document->manifest->count + 1;
		r = copy_blobs(copy, document->manifest, why);
	}
	if (r == 0)
		r = oci_target_put_manifest(
			copy->target, &document->digest, buf_span(&document->bytes),
			oci_manifest_media_type(document->manifest->type), is_named, why);
	if (r == 0)
		result->manifest_count++;
	return r;
}

/* A document with all that is below it. The stack is taken down in every case. */
static int documents_copy(struct copy *copy, struct document *stack, struct copy_result *result,
			  struct diag *why)
{
	size_t depth = 1, seen = 1;
	int r = 0;

	while (depth > 0 && r == 0) {
		struct document *top = &stack[depth - 1];

		if (!oci_manifest_is_index(top->manifest) || top->next == top->manifest->count) {
			r = document_put(copy, top, depth == 1, result, why);
			document_release(&stack[--depth]);
			continue;
		}
		if (depth > INDEX_DEPTH_MAX)
			r = diag_set(why, -E2BIG, "indexes within indexes");
		else if (++seen > COPY_MANIFEST_MAX)
			r = diag_set(why, -E2BIG, "more than %d manifests", COPY_MANIFEST_MAX);
		else
			r = document_take(copy, &top->manifest->items[top->next++].descriptor,
					  &stack[depth], why);
		if (r == 0)
			depth++;
	}
	while (depth > 0)
		document_release(&stack[--depth]);
	return r;
}

/* Both ends */

static int default_name(const struct copy *copy, const char *own_name, struct buf *ret)
{
	if (copy->from.repository)
		return oci_reference_format_name(&copy->from, ret);
	return own_name ? buf_append_string(ret, own_name) : 0;
}

static int target_begin(struct copy *copy, const char *own_name, struct diag *why)
{
	CLEAN(buf_release) struct buf name = {0};
	int r;

	if (default_name(copy, own_name, &name) < 0 || (name.size && !buf_string(&name)))
		return -ENOMEM;
	r = target_open(&copy->to, &copy->request->target_registry,
			name.size ? buf_string(&name) : NULL, &copy->target, why);
	return r < 0 ? diag_wrap(why, r, "target") : 0;
}

/* What the source's name leads to, or what was chosen of it. */
static int root_take(struct copy *copy, struct document *root, char **ret_name, struct diag *why)
{
	const char *platform = copy->request->platform;
	struct oci_platform wanted;
	int r = 0;

	if (platform)
		r = oci_platform_parse(platform, &wanted, why);
	else
		oci_platform_host(&wanted);
	if (r < 0)
		return r;
	r = image_source_open(&copy->from, &copy->request->source_registry, &copy->source, ret_name,
			      why);
	if (r == 0)
		r = document_take(copy, NULL, root, why);
	if (r == 0 && !copy->request->all)
		r = document_choose(copy, &wanted, root, why);
	if (r < 0)
		return diag_wrap(why, r, "source");
	if (copy->wants_plain && oci_manifest_is_index(root->manifest))
		return diag_set(why, -EOPNOTSUPP, "a docker-archive holds images, and no index");
	return 0;
}

static int references_parse(struct copy *copy, struct diag *why)
{
	int r = oci_reference_parse(copy->request->source, &copy->from, why);

	if (r == 0)
		r = oci_reference_parse(copy->request->target, &copy->to, why);
	if (r < 0)
		return r;
	copy->wants_plain = target_wants_plain(&copy->to);
	if (copy->from.transport == OCI_TRANSPORT_DOCKER &&
	    copy->to.transport == OCI_TRANSPORT_DOCKER &&
	    strcmp(copy->from.registry, copy->to.registry) == 0 &&
	    strcmp(copy->from.repository, copy->to.repository) != 0)
		copy->repositories[0] = copy->from.repository;
	return 0;
}

/* root is taken in every case. */
static int root_copy(struct copy *copy, struct document *root, struct copy_result *result,
		     struct diag *why)
{
	struct document stack[INDEX_DEPTH_MAX + 2] = {*root};

	result->manifest = root->digest;
	*root = (struct document){0};
	return documents_copy(copy, stack, result, why);
}

int copy_image(const struct copy_request *request, struct copy_result *ret, struct diag *why)
{
	CLEAN(copy_release) struct copy copy = {.request = request};
	CLEAN(document_release) struct document root = {0};
	CLEAN(memory_freep) char *own_name = NULL;
	struct copy_result result = {0};
	int r;

	r = references_parse(&copy, why);
	if (r == 0)
		r = root_take(&copy, &root, &own_name, why);
	if (r == 0)
		r = target_begin(&copy, own_name, why);
	if (r == 0)
		r = root_copy(&copy, &root, &result, why);
	if (r == 0)
		r = oci_target_finish(copy.target, why);
	if (r < 0)
		return r;
	result.present_count = copy.present_count;
	result.mounted_count = copy.mounted_count;
	result.sent_bytes = copy.sent_bytes;
	*ret = result;
	return 0;
}
