/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * An OCI layout is written so that it is valid at any time: blobs first, index.json last. An index
 * that is there stays; of its images that of the same name is replaced.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/fetch.h"
#include "oci/json.h"
#include "oci/target.h"
#include "ops/files_out.h"
#include "ops/target_private.h"

#define NAME_ANNOTATION "org.opencontainers.image.ref.name"
#define BLOB_PATH_SIZE_MAX (DIGEST_HEX_SIZE_MAX + 16)

struct target_layout {
	struct oci_target_base base;
	struct files_out *out; /* owned */
	char *name;            /* owned; NULL: none */
	/* What is named: its manifest. */
	struct oci_descriptor named;
	bool has_named;
};

static char *blob_path(const struct digest *digest, char *path)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)snprintf(path, BLOB_PATH_SIZE_MAX, "blobs/%s/%s",
		       digest_algorithm_name((enum digest_algorithm)digest->algorithm),
		       digest_hex(digest, hex));
	return path;
}

static int layout_has_blob(struct oci_target *target, const struct oci_descriptor *blob,
			   struct diag *why)
{
	char path[BLOB_PATH_SIZE_MAX];

	(void)why;
	return files_out_has(((struct target_layout *)target)->out, blob_path(&blob->digest, path),
			     blob->size);
}

static int layout_put_blob(struct oci_target *target, const struct oci_descriptor *blob,
			   const struct reader *bytes, struct diag *why)
{
	char path[BLOB_PATH_SIZE_MAX];

	return files_out_put(((struct target_layout *)target)->out, blob_path(&blob->digest, path),
			     blob, bytes, why);
}

static int layout_put_manifest(struct oci_target *target, const struct digest *digest,
			       struct span bytes, const char *media_type, bool is_named,
			       struct diag *why)
{
	struct target_layout *layout = (struct target_layout *)target;
	struct oci_descriptor manifest = {.digest = *digest, .size = bytes.size};
	char path[BLOB_PATH_SIZE_MAX];
	int r = oci_descriptor_check(&manifest, bytes, why);

	(void)snprintf(manifest.media_type, sizeof(manifest.media_type), "%s", media_type);
	if (r == 0)
		r = files_out_put_span(layout->out, blob_path(digest, path), bytes, why);
	if (r < 0 || !is_named)
		return r;
	layout->named = manifest;
	layout->has_named = true;
	return 0;
}

/* index.json */

static json_t *descriptor_json(const struct target_layout *layout)
{
	char digest[OCI_DIGEST_SIZE_MAX];
	json_t *descriptor = json_pack("{s:s, s:s, s:I}", "mediaType", layout->named.media_type,
				       "digest", oci_digest_text(&layout->named.digest, digest),
				       "size", (json_int_t)layout->named.size);

	if (descriptor && layout->name &&
	    json_object_set_new(descriptor, "annotations",
				json_pack("{s:s}", NAME_ANNOTATION, layout->name)) < 0) {
		json_decref(descriptor);
		return NULL;
	}
	return descriptor;
}

static const char *name_of(const json_t *descriptor)
{
	return json_string_value(
		json_object_get(json_object_get(descriptor, "annotations"), NAME_ANNOTATION));
}

/* Whether the new image takes the place of this one. */
static bool is_replaced(const struct target_layout *layout, const json_t *descriptor)
{
	char digest[OCI_DIGEST_SIZE_MAX];
	const char *own = json_string_value(json_object_get(descriptor, "digest"));
	const char *name = name_of(descriptor);

	if (layout->name)
		return name && strcmp(name, layout->name) == 0;
	return !name && own && strcmp(own, oci_digest_text(&layout->named.digest, digest)) == 0;
}

/* The list of an index that is there, or a new one. */
static int index_read(struct target_layout *layout, json_t **ret, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(oci_json_releasep) json_t *index = NULL;
	int r;

	r = files_out_read(layout->out, "index.json", MANIFEST_SIZE_MAX, &text, why);
	if (r == -ENOENT) {
		index = json_pack("{s:i, s:[]}", "schemaVersion", 2, "manifests");
		r = index ? 0 : -ENOMEM;
	} else if (r == 0) {
		r = oci_json_object_load(buf_span(&text), &index, why);
	}
	if (r < 0)
		return r;
	if (!json_is_array(json_object_get(index, "manifests")))
		return diag_set(why, -EUCLEAN, "index.json is not that of an OCI layout");
	*ret = TAKE(index);
	return 0;
}

static int index_change(const struct target_layout *layout, json_t *index)
{
	json_t *list = json_object_get(index, "manifests");

	for (size_t i = json_array_size(list); i > 0; i--) {
		if (is_replaced(layout, json_array_get(list, i - 1)))
			(void)json_array_remove(list, i - 1);
	}
	return json_array_append_new(list, descriptor_json(layout)) < 0 ? -ENOMEM : 0;
}

static int index_write(struct target_layout *layout, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *index = NULL;
	CLEAN(memory_freep) char *text = NULL;
	int r;

	r = index_read(layout, &index, why);
	if (r == 0)
		r = index_change(layout, index);
	if (r < 0)
		return r;
	text = json_dumps(index, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	return files_out_put_span(layout->out, "index.json", span_of_string(text), why);
}

static int layout_finish(struct oci_target *target, struct diag *why)
{
	struct target_layout *layout = (struct target_layout *)target;
	int r;

	r = files_out_put_span(layout->out, "oci-layout",
			       SPAN_LITERAL("{\"imageLayoutVersion\":\"1.0.0\"}"), why);
	if (r == 0)
		r = files_out_sync(layout->out, why);
	if (r == 0 && layout->has_named)
		r = index_write(layout, why);
	return r < 0 ? r : files_out_finish(layout->out, why);
}

static void layout_close(struct oci_target *target)
{
	struct target_layout *layout = (struct target_layout *)target;

	files_out_close(layout->out);
	free(layout->name);
	free(layout);
}

static const struct oci_target_ops layout_ops = {
	.has_blob = layout_has_blob,
	.put_blob = layout_put_blob,
	.put_manifest = layout_put_manifest,
	.finish = layout_finish,
	.close = layout_close,
};

int target_layout_new(struct files_out *out, const char *name, struct oci_target **ret)
{
	struct target_layout *layout = calloc(1, sizeof(*layout));

	if (layout && name)
		layout->name = strdup(name);
	if (!layout || (name && !layout->name)) {
		free(layout);
		files_out_close(out);
		return -ENOMEM;
	}
	layout->base.ops = &layout_ops;
	layout->out = out;
	*ret = (struct oci_target *)layout;
	return 0;
}
