/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/registry.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/registries_conf.h"
#include "oci/registry_private.h"

/* All that OCI and Docker have called a manifest or a list of them, but version 1. */
static const char *const manifest_headers[] = {
	"Accept: application/vnd.oci.image.manifest.v1+json, "
	"application/vnd.oci.image.index.v1+json, "
	"application/vnd.docker.distribution.manifest.v2+json, "
	"application/vnd.docker.distribution.manifest.list.v2+json",
	NULL,
};

static void registry_close(struct oci_source *source)
{
	struct registry *registry = (struct registry *)source;

	for (size_t i = 0; i < registry->count; i++)
		endpoint_release(&registry->endpoints[i]);
	free(registry->endpoints);
	free(registry);
}

/* Append the body of an answer, with what it is; *ret is as it was when that fails. */
static int manifest_read(struct http_response *response, const struct digest *wanted,
			 const char *what, struct buf *ret, char *media_type, struct diag *why)
{
	struct span said = SPAN_EMPTY, type = SPAN_EMPTY, bytes = SPAN_EMPTY;
	size_t before = ret->size;
	int r;

	if (http_status(response) != 200)
		return registry_error(response, what, why);
	r = http_read_all(response, MANIFEST_SIZE_MAX, ret, why);
	if (r < 0)
		return diag_wrap(why, r, "%s", what);
	(void)span_from(buf_span(ret), before, &bytes);
	(void)http_header(response, "Docker-Content-Digest", 0, &said);
	(void)http_header(response, "Content-Type", 0, &type);
	r = registry_manifest_check(bytes, said, wanted, why);
	if (r < 0) {
		ret->size = before;
		return diag_wrap(why, r, "%s", what);
	}
	registry_media_type(type, media_type);
	return 0;
}

/* Ask, and read; again, where the answer breaks off. */
static int manifest_get(struct endpoint *endpoint, const char *below, const struct digest *wanted,
			struct buf *ret, char *media_type, struct diag *why)
{
	CLEAN(memory_freep) char *scope = endpoint_scope(endpoint, "pull");
	CLEAN(memory_freep) char *what = NULL;
	CLEAN(buf_release) struct buf url = {0};
	struct http_request request = {.method = "GET", .headers = manifest_headers};
	struct retry retry = endpoint_retry(endpoint);
	int r;

	if (!scope || asprintf(&what, "%s/%s: %s", endpoint->reference.registry,
			       endpoint->reference.repository, below) < 0)
		return -ENOMEM;
	r = endpoint_url(endpoint, below, &url, why);
	if (r < 0)
		return r;
	request.url = buf_string(&url);
	if (!request.url)
		return -ENOMEM;
	do {
		CLEAN(http_response_freep) struct http_response *response = NULL;

		r = endpoint_ask(endpoint, &request, scope, &response, why);
		if (r < 0) /* it has tried enough */
			return r;
		r = manifest_read(response, wanted, what, ret, media_type, why);
	} while (http_error_is_transient(r) && retry_wait(&retry, NULL));
	return r;
}

static int endpoint_manifest(struct endpoint *endpoint, const struct oci_descriptor *which,
			     struct buf *ret, char *media_type, struct diag *why)
{
	const struct oci_reference *reference = &endpoint->reference;
	const struct digest *wanted = which ? &which->digest : NULL;
	CLEAN(memory_freep) char *below = NULL;
	char digest[OCI_DIGEST_SIZE_MAX];

	if (!wanted && reference->digest.algorithm != DIGEST_NONE)
		wanted = &reference->digest;
	if (asprintf(&below, "manifests/%s",
		     wanted ? oci_digest_text(wanted, digest) : reference->tag) < 0)
		return -ENOMEM;
	return manifest_get(endpoint, below, wanted, ret, media_type, why);
}

static int registry_manifest(struct oci_source *source, const struct oci_descriptor *which,
			     struct buf *ret, char *media_type, struct diag *why)
{
	struct registry *registry = (struct registry *)source;
	size_t i = atomic_load(&registry->current);
	int r = -ENOENT;

	for (; i < registry->count; i++) {
		r = endpoint_manifest(&registry->endpoints[i], which, ret, media_type, why);
		if (r == -ENOMEM)
			return r;
		/* The blobs are looked for where the image was. */
		if (r == 0 && !which)
			atomic_store(&registry->current, i);
		if (r == 0)
			return 0;
	}
	return r;
}

/* The user gave credentials for the registry that was named, and not for where its mirrors are. */
static int place_open(struct endpoint *endpoint, struct registry_place *place, const char *named,
		      const struct registry_options *options, struct diag *why)
{
	struct registry_options mine = *options;

	if (strcmp(place->reference.registry, named) != 0)
		mine.credentials = NULL;
	return endpoint_init(endpoint, place, &mine, why);
}

int registry_open(const struct oci_reference *reference, const struct registry_options *options,
		  struct oci_source **ret, struct diag *why)
{
	static const struct oci_source_ops ops = {.manifest = registry_manifest,
						  .blob = registry_blob,
						  .close = registry_close,
						  .range = registry_range};
	CLEAN(registries_conf_release) struct registries_conf conf = {0};
	CLEAN(registry_places_release) struct registry_places places = {0};
	struct registry *registry;
	int r = registries_conf_load(options->registries_conf, &conf, why);

	if (r == 0)
		r = registries_conf_places(&conf, reference, false, &places, why);
	if (r < 0)
		return r;
	registry = calloc(1, sizeof(*registry));
	if (!registry)
		return -ENOMEM;
	registry->base.ops = &ops;
	registry->endpoints = calloc(places.count, sizeof(*registry->endpoints));
	if (!registry->endpoints)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < places.count; i++, registry->count++) {
		r = place_open(&registry->endpoints[i], &places.places[i], reference->registry,
			       options, why);
		registry->endpoints[i].has_next = i + 1 < places.count;
	}
	if (r < 0) {
		registry_close((struct oci_source *)registry);
		return r;
	}
	*ret = (struct oci_source *)registry;
	return 0;
}
