/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/memory_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/manifest.h"
#include "oci/source.h"
#include "verity/sha.h"

struct memory_source {
	struct oci_source_base base;
	struct buf config;   /* owned */
	struct buf manifest; /* owned */
	struct digest config_digest;
};

static void memory_close(struct oci_source *source)
{
	struct memory_source *memory = (struct memory_source *)source;

	buf_release(&memory->config);
	buf_release(&memory->manifest);
	free(memory);
}

static int memory_manifest(struct oci_source *source, const struct oci_descriptor *which,
			   struct buf *ret, char *media_type, struct diag *why)
{
	const struct memory_source *memory = (struct memory_source *)source;

	if (which)
		return diag_set(why, -ENOENT, "there is one manifest only");
	(void)snprintf(media_type, MEDIA_TYPE_SIZE_MAX, "%s",
		       oci_manifest_media_type(OCI_MANIFEST));
	return buf_append_span(ret, buf_span(&memory->manifest));
}

/* What is left of the config, which outlives its readers. */
static ssize_t rest_read(void *context, void *data, size_t size, struct diag *why)
{
	struct span *rest = context;

	(void)why;
	if (size > rest->size)
		size = rest->size;
	if (size)
		memcpy(data, rest->data, size);
	*rest = span_of(rest->data + size, rest->size - size);
	return (ssize_t)size;
}

static int memory_blob(struct oci_source *source, const struct oci_descriptor *blob,
		       uint64_t offset, struct reader *ret, struct diag *why)
{
	const struct memory_source *memory = (struct memory_source *)source;
	char text[OCI_DIGEST_SIZE_MAX];
	struct span *rest;

	if (!digest_equal(&blob->digest, &memory->config_digest))
		return diag_set(why, -ENOENT, "%s is not in the repository any more",
				oci_digest_text(&blob->digest, text));
	rest = malloc(sizeof(*rest));
	if (!rest)
		return -ENOMEM;
	if (!span_from(buf_span(&memory->config), offset, rest))
		*rest = SPAN_EMPTY;
	*ret = (struct reader){.read = rest_read, .close = free, .context = rest};
	return 0;
}

static const struct oci_source_ops memory_ops = {
	.manifest = memory_manifest,
	.blob = memory_blob,
	.close = memory_close,
};

int oci_memory_source_new(struct buf *config, struct buf *manifest, struct oci_source **ret,
			  struct diag *why)
{
	struct memory_source *memory = calloc(1, sizeof(*memory));
	int r;

	if (!memory) {
		buf_release(config);
		buf_release(manifest);
		return -ENOMEM;
	}
	*memory = (struct memory_source){{&memory_ops}, *config, *manifest, {0}};
	*config = *manifest = (struct buf){0};
	r = sha_of(DIGEST_SHA256, buf_span(&memory->config), &memory->config_digest, why);
	if (r < 0) {
		memory_close((struct oci_source *)memory);
		return r;
	}
	*ret = (struct oci_source *)memory;
	return 0;
}
