/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Distribution specification 1.1, "Push": a blob is POST for a place to put it, and PUT; a manifest
 * is PUT. A small blob is kept in memory and sent again where the network breaks; a large one is a
 * stream that is read once.
 */
#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/registries_conf.h"
#include "oci/registry_private.h"
#include "oci/target.h"
#include "verity/sha.h"

struct push {
	struct oci_target_base base;
	struct endpoint endpoint;
	char *scope; /* owned */
};

static void push_close(struct oci_target *target)
{
	struct push *push = (struct push *)target;

	endpoint_release(&push->endpoint);
	free(push->scope);
	free(push);
}

/* "HOST/PATH: below", for messages. */
static int what_of(const struct push *push, const char *below, char **ret)
{
	if (asprintf(ret, "%s/%s: %s", push->endpoint.reference.registry,
		     push->endpoint.reference.repository, below) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* Send what may be sent twice. */
static int ask(struct push *push, const char *method, const char *below, const char *scopes,
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
	r = what_of(push, below, &what);
	r = r < 0 ? r : ask(push, "HEAD", below, push->scope, &response, why);
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

/* Where an upload goes on, with digest as the last parameter of its URL. */
static int upload_url(struct push *push, const struct http_response *response,
		      const struct digest *digest, char **ret, struct diag *why)
{
	CLEAN(memory_freep) char *place = NULL;
	CLEAN(buf_release) struct buf url = {0};
	char text[OCI_DIGEST_SIZE_MAX];
	struct span location;
	int r;

	if (!http_header(response, "Location", 0, &location))
		return diag_set(why, -EUCLEAN, "the registry does not say where to put a blob");
	r = http_resolve(push->endpoint.http, http_url(response), location, &place, why);
	if (r < 0)
		return r;
	r = buf_append_string(&url, place);
	if (r == 0 && digest) {
		r = buf_printf(&url, "%cdigest=", strchr(place, '?') ? '&' : '?');
		r = r < 0 ? r : http_encode(oci_digest_text(digest, text), &url);
	}
	if (r < 0 || !buf_string(&url))
		return -ENOMEM;
	*ret = strdup(buf_string(&url));
	return *ret ? 0 : -ENOMEM;
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
	r = ask(push, "POST", below, scopes, &response, why);
	if (r < 0)
		return r;
	if (http_status(response) == 201)
		return 1;
	/* It may have begun an upload instead, which nobody will end. Whether that goes is its own
	 * affair. */
	if (http_status(response) == 202 && upload_url(push, response, NULL, &session, NULL) == 0) {
		cancel.url = session;
		(void)endpoint_send(&push->endpoint, &cancel, push->scope, &gone, NULL);
	}
	return 0;
}

/* Reads through, and knows at the end whether it was what was promised. */
struct checked {
	const struct reader *bytes; /* borrowed */
	const struct oci_descriptor *blob;
	struct sha *sha; /* owned */
	uint64_t count;  /* bytes that were read */
	bool is_ended;   /* bytes said so: it is not asked again */
	int error;       /* of bytes: sending them again is no help */
};

static ssize_t checked_read(void *context, void *data, size_t size, struct diag *why)
{
	struct checked *checked = context;
	ssize_t got = reader_read(checked->bytes, data, size, why);

	if (got <= 0) {
		checked->is_ended = true;
		checked->error = (int)got;
		if (got == 0 && checked->count != checked->blob->size)
			return diag_set(why, -EBADMSG, "it ends at %llu of %llu bytes",
					(unsigned long long)checked->count,
					(unsigned long long)checked->blob->size);
		return got;
	}
	checked->count += (uint64_t)got;
	if (checked->count > checked->blob->size)
		return diag_set(why, -EBADMSG, "it has more than %llu bytes",
				(unsigned long long)checked->blob->size);
	return sha_update(checked->sha, span_of(data, (size_t)got)) < 0 ? -EIO : got;
}

/* All of it was read: is it the blob? The registry compares too; its word would do for it alone. */
static int checked_finish(struct checked *checked, struct diag *why)
{
	struct digest digest;
	uint8_t more;
	int r;

	/* libcurl stops at the size it was told; is there really nothing more? */
	if (!checked->is_ended && checked->count == checked->blob->size) {
		ssize_t got = reader_read(checked->bytes, &more, 1, why);

		if (got != 0)
			return got < 0 ? (int)got
				       : diag_set(why, -EBADMSG, "it has more than %llu bytes",
						  (unsigned long long)checked->blob->size);
	}
	r = sha_finish(checked->sha, &digest);
	if (r < 0)
		return r;
	if (checked->count != checked->blob->size || !digest_equal(&digest, &checked->blob->digest))
		return diag_set(why, -EBADMSG, "it has not the digest that was promised");
	return 0;
}

static int session_open(struct push *push, const struct digest *digest, char **ret,
			struct diag *why)
{
	CLEAN(http_response_freep) struct http_response *response = NULL;
	int r = ask(push, "POST", "blobs/uploads/", push->scope, &response, why);

	if (r < 0)
		return r;
	if (http_status(response) != 202)
		return registry_error(response, "upload", why);
	return upload_url(push, response, digest, ret, why);
}

static int put_end(struct http_response *response, struct diag *why)
{
	unsigned int status = http_status(response);

	/* 201 says the specification; some say 204. */
	return status == 201 || status == 204 ? 0 : registry_error(response, "upload", why);
}

static const char *const put_headers[] = {"Content-Type: application/octet-stream", NULL};

/* As often as it takes: all of it is in memory. */
static int put_small(struct push *push, const struct oci_descriptor *blob, struct checked *checked,
		     struct diag *why)
{
	const struct reader reader = {.read = checked_read, .context = checked};
	struct retry retry = endpoint_retry(&push->endpoint);
	struct http_request request = {.method = "PUT", .headers = put_headers, .is_foreign = true};
	CLEAN(buf_release) struct buf bytes = {0};
	uint8_t part[4096];
	ssize_t got;
	int r = 0;

	while (r == 0 && (got = reader_read(&reader, part, sizeof(part), why)) != 0)
		r = got < 0 ? (int)got : buf_append(&bytes, part, (size_t)got);
	r = r < 0 ? r : checked_finish(checked, why);
	if (r < 0)
		return r;
	request.body = buf_span(&bytes);
	for (;;) {
		CLEAN(http_response_freep) struct http_response *response = NULL;
		CLEAN(memory_freep) char *url = NULL;

		/* A session that broke may have taken some of it: each try has its own. */
		r = session_open(push, &blob->digest, &url, why);
		if (r < 0)
			return r;
		request.url = url;
		r = endpoint_send(&push->endpoint, &request, push->scope, &response, why);
		if ((r < 0 && http_error_is_transient(r)) ||
		    (r == 0 && status_is_transient(http_status(response)))) {
			if (retry_wait(&retry, response))
				continue;
		}
		return r < 0 ? r : put_end(response, why);
	}
}

/* What is read once is sent again by whoever can read it again. */
static int broken_upload(const struct checked *checked, int err)
{
	return !checked->error && http_error_is_transient(err) ? -EAGAIN : err;
}

static int put_large(struct push *push, const struct oci_descriptor *blob, struct checked *checked,
		     struct diag *why)
{
	const struct reader reader = {.read = checked_read, .context = checked};
	CLEAN(http_response_freep) struct http_response *response = NULL;
	CLEAN(memory_freep) char *url = NULL;
	struct http_request request = {.method = "PUT",
				       .headers = put_headers,
				       .upload = &reader,
				       .upload_size = blob->size,
				       .is_foreign = true};
	int r = session_open(push, &blob->digest, &url, why);

	if (r < 0)
		return r;
	request.url = url;
	r = endpoint_send(&push->endpoint, &request, push->scope, &response, why);
	if (r < 0)
		return broken_upload(checked, r);
	/* The wrong bytes are our fault, whatever the registry calls them. */
	if (checked->count == blob->size)
		r = checked_finish(checked, why);
	if (r < 0)
		return r;
	r = put_end(response, why);
	return r < 0 && status_is_transient(http_status(response)) ? -EAGAIN : r;
}

static int push_put_blob(struct oci_target *target, const struct oci_descriptor *blob,
			 const struct reader *bytes, struct diag *why)
{
	struct push *push = (struct push *)target;
	struct checked checked = {.bytes = bytes, .blob = blob};
	CLEAN(memory_freep) char *what = NULL;
	char digest[OCI_DIGEST_SIZE_MAX];
	int r = what_of(push, oci_digest_text(&blob->digest, digest), &what);

	r = r < 0 ? r : sha_new((enum digest_algorithm)blob->digest.algorithm, &checked.sha, why);
	if (r < 0)
		return r;
	if (blob->size <= PUSH_BUFFER_SIZE_MAX)
		r = put_small(push, blob, &checked, why);
	else
		r = put_large(push, blob, &checked, why);
	sha_free(checked.sha);
	return r < 0 ? diag_wrap(why, r, "%s", what) : 0;
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
	    asprintf(&type, "Content-Type: %s", media_type) < 0 || what_of(push, below, &what) < 0)
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
		.put_blob = push_put_blob,
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
