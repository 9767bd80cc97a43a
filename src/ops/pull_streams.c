/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pull_streams.c - config and manifest as streams, with links to all that the image needs
 */
#include <string.h>

#include "base/cleanup.h"
#include "oci/image_name.h"
#include "oci/manifest.h"
#include "ops/pull_private.h"
#include "store/splitstream.h"

#define EROFS_PREFIX "composefs."

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

int pull_config_write(struct pull *pull, const struct oci_image *before, struct digest *ret_id,
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

int pull_manifest_write(struct pull *pull, const struct oci_image *before,
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
