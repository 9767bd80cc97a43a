/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * OCI image specification 1.1, "Image Layout": oci-layout, index.json, blobs/<algorithm>/<hex>. The
 * name of an image is the annotation org.opencontainers.image.ref.name of its descriptor in the
 * index; containerd and Docker put the full name beside it.
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
#include "base/reader.h"
#include "oci/fetch.h"
#include "oci/files.h"
#include "oci/json.h"
#include "oci/layout_private.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "oci/source.h"

#define NAME_ANNOTATION "org.opencontainers.image.ref.name"
#define FULL_NAME_ANNOTATION "io.containerd.image.name"

/* "blobs/", an algorithm, '/' and hex digits, with the NUL */
#define BLOB_PATH_SIZE_MAX (DIGEST_HEX_SIZE_MAX + 16)

struct image_layout {
	struct oci_source_base base;
	struct oci_files *files;     /* owned */
	struct oci_manifest *index;  /* owned; index.json */
	struct buf index_bytes;      /* owned */
	const struct oci_item *item; /* of index; NULL: the index itself is the image */
};

static void layout_close(struct oci_source *source)
{
	struct image_layout *layout = (struct image_layout *)source;

	oci_files_close(layout->files);
	oci_manifest_free(layout->index);
	buf_release(&layout->index_bytes);
	free(layout);
}

static void layout_closep(struct image_layout **layout)
{
	if (*layout)
		layout_close((struct oci_source *)*layout);
	*layout = NULL;
}

static char *blob_path(const struct digest *digest, char *path)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)snprintf(path, BLOB_PATH_SIZE_MAX, "blobs/%s/%s",
		       digest_algorithm_name((enum digest_algorithm)digest->algorithm),
		       digest_hex(digest, hex));
	return path;
}

static int layout_manifest(struct oci_source *source, const struct oci_descriptor *which,
			   struct buf *ret, char *media_type, struct diag *why)
{
	struct image_layout *layout = (struct image_layout *)source;
	const struct oci_descriptor *wanted = which;
	char path[BLOB_PATH_SIZE_MAX];
	size_t before = ret->size;
	int r;

	if (!which && !layout->item) {
		(void)snprintf(media_type, MEDIA_TYPE_SIZE_MAX, "%s",
			       oci_manifest_media_type(OCI_INDEX));
		return buf_append_span(ret, buf_span(&layout->index_bytes));
	}
	if (!which)
		wanted = &layout->item->descriptor;
	blob_path(&wanted->digest, path);
	r = oci_files_read(layout->files, path, MANIFEST_SIZE_MAX, ret, why);
	if (r == -ENOENT)
		return diag_set(why, r, "there is no '%s'", path);
	if (r < 0)
		return r;
	/* Of the one the reference names, nobody else knows what index.json promises. */
	r = which ? 0
		  : oci_descriptor_check(wanted, span_of(ret->data + before, ret->size - before),
					 why);
	if (r < 0)
		return diag_wrap(why, r, "'%s'", path);
	(void)snprintf(media_type, MEDIA_TYPE_SIZE_MAX, "%s", wanted->media_type);
	return 0;
}

static int layout_blob(struct oci_source *source, const struct oci_descriptor *blob,
		       uint64_t offset, struct reader *ret, struct diag *why)
{
	struct image_layout *layout = (struct image_layout *)source;
	struct oci_file file = OCI_FILE_NONE;
	char path[BLOB_PATH_SIZE_MAX];
	int r;

	blob_path(&blob->digest, path);
	r = oci_files_find(layout->files, path, &file, why);
	if (r == -ENOENT)
		return diag_set(why, r, "there is no '%s'", path);
	if (r < 0)
		return r;
	return oci_file_reader(&file, offset, ret, why);
}

static struct digest layout_name(struct oci_source *source)
{
	const struct image_layout *layout = (struct image_layout *)source;

	return layout->item ? layout->item->descriptor.digest
			    : (struct digest){.algorithm = DIGEST_NONE};
}

static const struct oci_source_ops layout_ops = {
	.manifest = layout_manifest,
	.blob = layout_blob,
	.close = layout_close,
	.name = layout_name,
};

/* Opening */

static int version_check(struct oci_files *files, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *document = NULL;
	CLEAN(buf_release) struct buf text = {0};
	const char *version;
	int r;

	r = oci_files_read(files, "oci-layout", META_SIZE_MAX, &text, why);
	if (r == -ENOENT)
		return diag_set(why, r, "no OCI layout: there is no 'oci-layout'");
	if (r == 0)
		r = oci_json_object_load(buf_span(&text), &document, why);
	if (r == 0)
		r = oci_json_text_needed(document, "imageLayoutVersion", &version, why);
	if (r < 0)
		return diag_wrap(why, r, "oci-layout");
	if (strncmp(version, "1.", 2) != 0)
		return diag_set(why, -EOPNOTSUPP, "an OCI layout of version %.50s", version);
	return 0;
}

static const char *name_of(const struct oci_item *item)
{
	return oci_annotation(item->annotations, NAME_ANNOTATION);
}

static bool has_name(const struct oci_item *item, const char *name)
{
	const char *own = name_of(item);
	const char *full = oci_annotation(item->annotations, FULL_NAME_ANNOTATION);

	return (own && strcmp(own, name) == 0) || (full && strcmp(full, name) == 0);
}

/* "..., but only: a, b, c" */
static int name_missing(const struct oci_manifest *index, const char *name, struct diag *why)
{
	CLEAN(buf_release) struct buf list = {0};

	for (size_t i = 0; i < index->count && list.size < 300; i++) {
		const char *own = name_of(&index->items[i]);

		if (buf_printf(&list, "%s%.100s", i ? ", " : "", own ? own : "(no name)") < 0)
			return -ENOMEM;
	}
	if (!list.size)
		return diag_set(why, -ENOENT, "there is no image in it");
	if (name)
		return diag_set(why, -ENOENT, "there is no image '%.100s' in it, but: %s", name,
				buf_string(&list));
	return diag_set(why, -ENOENT, "which image of it is meant? There are: %s",
			buf_string(&list));
}

/* Of several with one name, the last to come would win elsewhere: here nobody does. */
static int item_by_name(const struct oci_manifest *index, const char *name,
			const struct oci_item **ret, struct diag *why)
{
	const struct oci_item *found = NULL;

	for (size_t i = 0; i < index->count; i++) {
		const struct oci_item *item = &index->items[i];

		if (!has_name(item, name))
			continue;
		if (found && !digest_equal(&found->descriptor.digest, &item->descriptor.digest))
			return diag_set(why, -EUCLEAN, "two images in it are called '%.100s'",
					name);
		found = item;
	}
	if (!found)
		return name_missing(index, name, why);
	*ret = found;
	return 0;
}

/* Whether index.json is the index of one image: no names, each for another platform. */
static bool index_is_image(const struct oci_manifest *index)
{
	/* First: each is compared with all before it. */
	if (index->count < 2 || index->count > LAYER_COUNT_MAX)
		return false;
	for (size_t i = 0; i < index->count; i++) {
		const struct oci_item *item = &index->items[i];

		if (name_of(item) || !item->platform.os[0])
			return false;
		for (size_t k = 0; k < i; k++) {
			const struct oci_platform *a = &item->platform;
			const struct oci_platform *b = &index->items[k].platform;

			if (strcmp(a->os, b->os) == 0 && strcmp(a->variant, b->variant) == 0 &&
			    strcmp(a->architecture, b->architecture) == 0)
				return false;
		}
	}
	return true;
}

/* *ret NULL: the index is the image. */
static int item_find(const struct oci_manifest *index, const struct oci_reference *reference,
		     const struct oci_item **ret, struct diag *why)
{
	if (reference->name)
		return item_by_name(index, reference->name, ret, why);
	if (reference->index >= 0) {
		if ((uint64_t)reference->index >= index->count)
			return diag_set(why, -ENOENT, "there are %zu images in it", index->count);
		*ret = &index->items[reference->index];
		return 0;
	}
	if (index->count != 1 && !index_is_image(index))
		return name_missing(index, NULL, why);
	*ret = index->count == 1 ? &index->items[0] : NULL;
	return 0;
}

static int index_read(struct image_layout *layout, struct diag *why)
{
	int r;

	r = oci_files_read(layout->files, "index.json", MANIFEST_SIZE_MAX, &layout->index_bytes,
			   why);
	if (r == -ENOENT)
		return diag_set(why, r, "no OCI layout: there is no 'index.json'");
	if (r == 0)
		r = oci_manifest_parse(buf_span(&layout->index_bytes),
				       oci_manifest_media_type(OCI_INDEX), &layout->index, why);
	if (r < 0)
		return diag_wrap(why, r, "index.json");
	return 0;
}

/* The full name, if there is one; the other is often only the tag in it. */
static int name_copy(const struct oci_item *item, char **ret)
{
	const char *name = NULL;

	if (item)
		name = oci_annotation(item->annotations, FULL_NAME_ANNOTATION);
	if (item && !name)
		name = name_of(item);
	*ret = name ? strdup(name) : NULL;
	return name && !*ret ? -ENOMEM : 0;
}

int image_layout_open(struct oci_files *files, const struct oci_reference *reference,
		      struct oci_source **ret, char **ret_name, struct diag *why)
{
	CLEAN(oci_files_closep) struct oci_files *owned = files;
	CLEAN(layout_closep) struct image_layout *layout = calloc(1, sizeof(*layout));
	int r;

	if (!layout)
		return -ENOMEM;
	layout->base.ops = &layout_ops;
	layout->files = TAKE(owned);
	r = version_check(layout->files, why);
	if (r == 0)
		r = index_read(layout, why);
	if (r == 0)
		r = item_find(layout->index, reference, &layout->item, why);
	if (r == 0)
		r = name_copy(layout->item, ret_name);
	if (r < 0)
		return r;
	*ret = (struct oci_source *)TAKE(layout);
	return 0;
}
