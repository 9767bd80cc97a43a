/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Distribution specification 1.1, "Pushing blobs": POST for a place to put it, and PUT. A small
 * blob is kept in memory and sent again where the network breaks; a large one is a stream that is
 * read once.
 */
#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/reader.h"
#include "oci/registry_push_private.h"
#include "verity/sha.h"

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
	int r = push_ask(push, "POST", "blobs/uploads/", push->scope, &response, why);

	if (r < 0)
		return r;
	if (http_status(response) != 202)
		return registry_error(response, "upload", why);
	return push_upload_url(push, response, digest, ret, why);
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

int push_blob(struct oci_target *target, const struct oci_descriptor *blob,
	      const struct reader *bytes, struct diag *why)
{
	struct push *push = (struct push *)target;
	struct checked checked = {.bytes = bytes, .blob = blob};
	CLEAN(memory_freep) char *what = NULL;
	char digest[OCI_DIGEST_SIZE_MAX];
	int r = push_what(push, oci_digest_text(&blob->digest, digest), &what);

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
