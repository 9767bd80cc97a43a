/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/image.h"

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
#include "store/objects.h"
#include "store/splitstream.h"
#include "store/store.h"

#define CONFIG_PREFIX "config:"

/* Links */

void oci_links_release(struct oci_links *links)
{
	for (size_t i = 0; i < links->count; i++)
		free(links->items[i].name);
	free(links->items);
	*links = (struct oci_links){0};
}

static struct oci_link *link_find(const struct oci_links *links, struct span name)
{
	for (size_t i = 0; i < links->count; i++) {
		if (span_equal(span_of_string(links->items[i].name), name))
			return &links->items[i];
	}
	return NULL;
}

static int link_add(struct oci_links *links, struct span name, const struct digest *id)
{
	struct oci_link *items =
		reallocarray(links->items, links->count + 1, sizeof(*links->items));
	char *copy;

	if (!items)
		return -ENOMEM;
	links->items = items;
	copy = strndup((const char *)name.data, name.size);
	if (!copy)
		return -ENOMEM;
	items[links->count++] = (struct oci_link){copy, *id};
	return 0;
}

int oci_links_put(struct oci_links *links, const char *name, const struct digest *id)
{
	struct oci_link *found = link_find(links, span_of_string(name));

	if (found) {
		found->id = *id;
		return 0;
	}
	return link_add(links, span_of_string(name), id);
}

const struct digest *oci_links_find(const struct oci_links *links, const char *name)
{
	const struct oci_link *found = link_find(links, span_of_string(name));

	return found ? &found->id : NULL;
}

/* Reading */

/* A stream of one object: its links, and its bytes. */
static int stream_read(const struct store *store, const struct digest *id, uint64_t type,
		       struct oci_links *links, struct buf *ret, struct diag *why)
{
	struct splitstream *stream;
	int r;

	r = splitstream_open(store, id, type, &stream, why);
	if (r < 0)
		return r;
	/* Names are sorted and each is there once: no need to look for it. */
	for (size_t i = 0; i < splitstream_reference_count(stream) && r == 0; i++) {
		struct span name;
		struct digest target = splitstream_reference(stream, i, &name);

		if (links->count == LINK_COUNT_MAX)
			r = diag_set(why, -E2BIG, "a stream with more than %d references",
				     LINK_COUNT_MAX);
		else
			r = link_add(links, name, &target);
	}
	if (r < 0) {
		splitstream_close(stream);
		return r;
	}
	return splitstream_read_all(store, stream, MANIFEST_SIZE_MAX, ret, why);
}

static int manifest_read(const struct store *store, const struct digest *id,
			 struct oci_image *image, struct diag *why)
{
	struct oci_descriptor descriptor = {.digest = image->digest};
	int r;

	r = stream_read(store, id, STREAM_TYPE_OCI_MANIFEST, &image->links, &image->manifest_bytes,
			why);
	descriptor.size = image->manifest_bytes.size;
	if (r == 0)
		r = oci_descriptor_check(&descriptor, buf_span(&image->manifest_bytes), why);
	if (r == 0)
		r = oci_manifest_parse(buf_span(&image->manifest_bytes), "", &image->manifest, why);
	if (r == 0 && oci_manifest_is_index(image->manifest))
		r = diag_set(why, -EUCLEAN, "an index in the place of a manifest");
	return r < 0 ? diag_wrap(why, r, "manifest") : 0;
}

static int config_read(const struct store *store, struct oci_image *image, struct diag *why)
{
	const struct oci_descriptor *descriptor = &image->manifest->config.descriptor;
	char name[sizeof(CONFIG_PREFIX) + OCI_DIGEST_SIZE_MAX] = CONFIG_PREFIX;
	const struct digest *id;
	int r;

	(void)oci_digest_text(&descriptor->digest, name + strlen(CONFIG_PREFIX));
	id = oci_links_find(&image->links, name);
	if (!id)
		return diag_set(why, -EUCLEAN, "the manifest's stream does not name its config");
	r = stream_read(store, id, STREAM_TYPE_OCI_CONFIG, &image->config_links,
			&image->config_bytes, why);
	if (r == 0)
		r = oci_descriptor_check(descriptor, buf_span(&image->config_bytes), why);
	if (r == 0 && !oci_manifest_is_artifact(image->manifest)) {
		r = oci_config_parse(buf_span(&image->config_bytes), &image->config, why);
		if (r == 0)
			r = oci_config_check_manifest(image->config, image->manifest, why);
	}
	return r < 0 ? diag_wrap(why, r, "config") : 0;
}

/* The stream of each layer: by its diff_id, in an artifact by the digest of the blob. */
static int layers_find(struct oci_image *image, struct diag *why)
{
	char name[OCI_DIGEST_SIZE_MAX];

	image->layers = calloc(image->manifest->count + 1, sizeof(*image->layers));
	if (!image->layers)
		return -ENOMEM;
	for (size_t i = 0; i < image->manifest->count; i++) {
		const struct digest *digest =
			image->config ? &image->config->diff_ids[i]
				      : &image->manifest->items[i].descriptor.digest;
		const struct digest *id;

		(void)oci_digest_text(digest, name);
		id = oci_links_find(&image->config_links, name);
		if (!id)
			id = oci_links_find(&image->links, name);
		if (!id)
			return diag_set(why, -EUCLEAN, "no stream is named for layer %zu", i + 1);
		image->layers[i] = *id;
	}
	return 0;
}

int oci_image_open_id(const struct store *store, const struct digest *digest,
		      const struct digest *id, struct oci_image **ret, struct diag *why)
{
	CLEAN(oci_image_freep) struct oci_image *image = calloc(1, sizeof(*image));
	int r;

	if (!image)
		return -ENOMEM;
	image->digest = *digest;
	r = manifest_read(store, id, image, why);
	if (r == 0)
		r = config_read(store, image, why);
	if (r == 0)
		r = layers_find(image, why);
	if (r < 0)
		return r;
	*ret = TAKE(image);
	return 0;
}

int oci_image_open(const struct store *store, const char *text, struct oci_image **ret,
		   struct diag *why)
{
	struct digest digest, id;
	int r;

	r = oci_image_find(store, text, &digest, &id, why);
	return r < 0 ? r : oci_image_open_id(store, &digest, &id, ret, why);
}

void oci_image_free(struct oci_image *image)
{
	if (!image)
		return;
	buf_release(&image->manifest_bytes);
	oci_manifest_free(image->manifest);
	buf_release(&image->config_bytes);
	oci_config_free(image->config);
	free(image->layers);
	oci_links_release(&image->links);
	oci_links_release(&image->config_links);
	free(image);
}

void oci_image_freep(struct oci_image **image)
{
	int saved = errno;

	oci_image_free(*image);
	*image = NULL;
	errno = saved;
}

char *oci_kept_blob_name(const struct digest *blob, char *name)
{
	memcpy(name, OCI_KEPT_BLOB_PREFIX, sizeof(OCI_KEPT_BLOB_PREFIX));
	(void)oci_digest_text(blob, name + strlen(OCI_KEPT_BLOB_PREFIX));
	return name;
}

/* EROFS images */

static const char *const erofs_names[] = {
	[1] = "composefs.image.v1",
	[2] = "composefs.image",
};
#define EROFS_NAME_COUNT (sizeof(erofs_names) / sizeof(erofs_names[0]))

const char *oci_image_erofs_name(unsigned int version)
{
	return version < EROFS_NAME_COUNT ? erofs_names[version] : NULL;
}

const char *oci_image_boot_name(unsigned int version)
{
	static const char *const names[EROFS_NAME_COUNT] = {
		[1] = "composefs.image.boot.v1",
		[2] = "composefs.image.boot",
	};

	return version < EROFS_NAME_COUNT ? names[version] : NULL;
}

static int nothing_made(bool is_artifact, struct diag *why)
{
	return diag_set(why, -ENOENT, "%s",
			is_artifact ? "an artifact, not an image with files"
				    : "no file tree was made of this image");
}

int oci_image_erofs(const struct oci_image *image, unsigned int preferred, struct digest *ret,
		    struct diag *why)
{
	const char *name = oci_image_erofs_name(preferred);
	const struct digest *found = name ? oci_links_find(&image->config_links, name) : NULL;

	for (size_t i = 1; !found && i < EROFS_NAME_COUNT; i++)
		found = oci_links_find(&image->config_links, erofs_names[i]);
	if (!found)
		return nothing_made(!image->config, why);
	*ret = *found;
	return 0;
}

/* The config's stream: the one whose name begins so. */
static int config_id_find(const struct store *store, const struct digest *manifest_id,
			  struct digest *ret, struct diag *why)
{
	CLEAN(splitstream_closep) struct splitstream *stream = NULL;
	int r;

	r = splitstream_open(store, manifest_id, STREAM_TYPE_OCI_MANIFEST, &stream, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < splitstream_reference_count(stream); i++) {
		struct span name;
		struct digest id = splitstream_reference(stream, i, &name);

		if (!span_starts_with(name, SPAN_LITERAL(CONFIG_PREFIX)))
			continue;
		*ret = id;
		return 0;
	}
	return diag_set(why, -EUCLEAN, "the manifest's stream does not name its config");
}

int oci_image_erofs_find(const struct store *store, const char *text, unsigned int preferred,
			 struct digest *ret, struct digest *ret_digest, struct diag *why)
{
	CLEAN(splitstream_closep) struct splitstream *stream = NULL;
	const char *name = oci_image_erofs_name(preferred);
	struct digest manifest_id, config_id;
	int r;

	r = oci_image_find(store, text, ret_digest, &manifest_id, why);
	if (r == 0)
		r = config_id_find(store, &manifest_id, &config_id, why);
	if (r == 0)
		r = splitstream_open(store, &config_id, STREAM_TYPE_OCI_CONFIG, &stream, why);
	if (r < 0)
		return r;
	r = name ? splitstream_reference_find(stream, span_of_string(name), ret) : -ENOENT;
	for (size_t i = 1; r == -ENOENT && i < EROFS_NAME_COUNT; i++)
		r = splitstream_reference_find(stream, span_of_string(erofs_names[i]), ret);
	return r == -ENOENT ? nothing_made(false, why) : r;
}

/* Writing */

int oci_stream_write(struct transaction *transaction, uint64_t type, struct span raw,
		     const struct oci_links *links, struct digest *ret_id, struct diag *why)
{
	CLEAN(object_writer_abortp) struct object_writer *object = NULL;
	CLEAN(splitstream_writer_abortp) struct splitstream_writer *stream = NULL;
	struct digest digest;
	int r;

	r = object_writer_new(transaction, &object, why);
	if (r == 0)
		r = object_writer_write(object, raw, why);
	if (r == 0)
		r = object_writer_finish(TAKE(object), &digest, why);
	if (r == 0)
		r = splitstream_writer_new(transaction, type, &stream, why);
	if (r == 0)
		r = splitstream_write_external(stream, &digest, raw.size, why);
	for (size_t i = 0; r == 0 && i < links->count; i++)
		r = splitstream_name_reference(stream, span_of_string(links->items[i].name),
					       &links->items[i].id, why);
	return r < 0 ? r : splitstream_writer_finish(TAKE(stream), ret_id, why);
}
