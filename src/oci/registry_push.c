/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Distribution specification 1.1, "Push": what is asked before a blob is sent, which
 * registry_upload.c does, and the manifests after it.
 */
#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/registries_conf.h"
#include "oci/registry_push_private.h"

static void push_close(struct oci_target *target)
{
	struct push *push = (struct push *)target;

	endpoint_release(&push->endpoint);
	(void)pthread_mutex_destroy(&push->lock);
	for (size_t i = 0; i < PUSH_SESSIONS_MAX; i++)
		free(push->sessions[i].url);
	free(push->scope);
	free(push);
}

int push_what(const struct push *push, const char *below, char **ret)
{
	if (asprintf(ret, "%s/%s: %s", push->endpoint.reference.registry,
		     push->endpoint.reference.repository, below) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

int push_ask(struct push *push, const char *method, const char *below, const char *scopes,
	     struct http_response **ret, struct diag *why)
{
	CLEAN(buf_release) struct buf url = {0};
	struct http_request request = {.method = method};
	int r = endpoint_url(&push->endpoint, below, &url, why);

	if (r < 0)
		return r;
	request.url = buf_string(&url);
	if (!request.url)
		return -ENOMEM;
	return endpoint_ask(&push->endpoint, &request, scopes, ret, why);
}

static int push_has_blob(struct oci_target *target, const struct oci_descriptor *blob,
			 struct diag *why)
{
	struct push *push = (struct push *)target;
	CLEAN(http_response_freep) struct http_response *response = NULL;
	CLEAN(memory_freep) char *what = NULL;
	char digest[OCI_DIGEST_SIZE_MAX], below[OCI_DIGEST_SIZE_MAX + 8];
	uint64_t size;
	int r;

	(void)snprintf(below, sizeof(below), "blobs/%s", oci_digest_text(&blob->digest, digest));
	r = push_what(push, below, &what);
	r = r < 0 ? r : push_ask(push, "HEAD", below, push->scope, &response, why);
	if (r < 0)
		return r;
	if (http_status(response) == 404)
		return 0;
	if (http_status(response) != 200)
		return registry_error(response, what, why);
	/* What has the digest and not the size is not the blob: bringing it will tell. */
	size = http_content_length(response);
	return size == UINT64_MAX || size == blob->size;
}

int push_upload_url(struct push *push, const struct http_response *response, char **ret,
		    struct diag *why)
{
	struct span location;

	if (!http_header(response, "Location", 0, &location))
		return diag_set(why, -EUCLEAN, "the registry does not say where to put a blob");
	return http_resolve(push->endpoint.http, http_url(response), location, ret, why);
}

static int push_mount_blob(struct oci_target *target, const struct oci_descriptor *blob,
			   const char *from_repository, struct diag *why)
{
	struct push *push = (struct push *)target;
	CLEAN(http_response_freep) struct http_response *response = NULL;
	CLEAN(http_response_freep) struct http_response *gone = NULL;
	CLEAN(memory_freep) char *scopes = NULL;
	CLEAN(memory_freep) char *below = NULL;
	CLEAN(memory_freep) char *session = NULL;
	char digest[OCI_DIGEST_SIZE_MAX];
	struct http_request cancel = {.method = "DELETE", .is_foreign = true};
	int r;

	if (!oci_repository_is_valid(span_of_string(from_repository)))
		return diag_set(why, -EINVAL, "'%.200s' is no repository", from_repository);
	if (asprintf(&below, "blobs/uploads/?mount=%s&from=%s",
		     oci_digest_text(&blob->digest, digest), from_repository) < 0 ||
	    asprintf(&scopes, "%s repository:%s:pull", push->scope, from_repository) < 0)
		return -ENOMEM;
	r = push_ask(push, "POST", below, scopes, &response, why);
	if (r < 0)
		return r;
	if (http_status(response) == 201)
		return 1;
	/* It may have begun an upload instead, which nobody will end. Whether that goes is its own
	 * affair. */
	if (http_status(response) == 202 && push_upload_url(push, response, &session, NULL) == 0) {
		cancel.url = session;
		(void)endpoint_send(&push->endpoint, &cancel, push->scope, &gone, NULL);
	}
	return 0;
}

static int manifest_put(struct push *push, struct span bytes, const char *media_type,
			const char *name, struct diag *why)
{
	CLEAN(http_response_freep) struct http_response *response = NULL;
	CLEAN(memory_freep) char *below = NULL;
	CLEAN(memory_freep) char *type = NULL;
	CLEAN(memory_freep) char *what = NULL;
	CLEAN(buf_release) struct buf url = {0};
	const char *headers[] = {NULL, NULL};
	struct http_request request = {.method = "PUT", .headers = headers, .body = bytes};
	struct span said = SPAN_EMPTY;
	char checked[MEDIA_TYPE_SIZE_MAX];
	int r;

	/* It may come from the manifest itself, and must not end the line it is put into. */
	registry_media_type(span_of_string(media_type), checked);
	if (!checked[0] || strcmp(checked, media_type) != 0)
		return diag_set(why, -EUCLEAN, "the manifest's media type is none");
	if (asprintf(&below, "manifests/%s", name) < 0 ||
	    asprintf(&type, "Content-Type: %s", media_type) < 0 ||
	    push_what(push, below, &what) < 0)
		return -ENOMEM;
	headers[0] = type;
	r = endpoint_url(&push->endpoint, below, &url, why);
	if (r < 0)
		return r;
	request.url = buf_string(&url);
	if (!request.url)
		return -ENOMEM;
	r = endpoint_ask(&push->endpoint, &request, push->scope, &response, why);
	if (r < 0)
		return r;
	if (http_status(response) != 201)
		return registry_error(response, what, why);
	(void)http_header(response, "Docker-Content-Digest", 0, &said);
	r = registry_manifest_check(bytes, said, NULL, why);
	return r < 0 ? diag_wrap(why, r, "%s", what) : 0;
}

static int push_put_manifest(struct oci_target *target, const struct digest *digest,
			     struct span bytes, const char *media_type, bool is_named,
			     struct diag *why)
{
	struct push *push = (struct push *)target;
	const struct oci_reference *reference = &push->endpoint.reference;
	char text[OCI_DIGEST_SIZE_MAX];
	int r = registry_manifest_check(bytes, SPAN_EMPTY, digest, why);

	if (r == 0 && is_named && reference->digest.algorithm != DIGEST_NONE) {
		digest = &reference->digest;
		r = registry_manifest_check(bytes, SPAN_EMPTY, digest, why);
	}
	if (r < 0)
		return r;
	/* Under a tag it is to be had by its digest too. */
	if (is_named && reference->tag)
		return manifest_put(push, bytes, media_type, reference->tag, why);
	return manifest_put(push, bytes, media_type, oci_digest_text(digest, text), why);
}

int registry_push_open(const struct oci_reference *reference,
		       const struct registry_options *options, struct oci_target **ret,
		       struct diag *why)
{
	static const struct oci_target_ops ops = {
		.has_blob = push_has_blob,
		.mount_blob = push_mount_blob,
		.put_blob = push_blob,
		.put_manifest = push_put_manifest,
		.close = push_close,
	};
	CLEAN(registries_conf_release) struct registries_conf conf = {0};
	CLEAN(registry_places_release) struct registry_places places = {0};
	struct push *push;
	int r = registries_conf_load(options->registries_conf, &conf, why);

	if (r == 0)
		r = registries_conf_places(&conf, reference, true, &places, why);
	if (r < 0)
		return r;
	push = calloc(1, sizeof(*push));
	if (!push)
		return -ENOMEM;
	push->base.ops = &ops;
	(void)pthread_mutex_init(&push->lock, NULL);
	r = endpoint_init(&push->endpoint, &places.places[0], options, why);
	if (r == 0) {
		push->scope = endpoint_scope(&push->endpoint, "pull,push");
		r = push->scope ? 0 : -ENOMEM;
	}
	if (r < 0) {
		push_close((struct oci_target *)push);
		return r;
	}
	*ret = (struct oci_target *)push;
	return 0;
}
