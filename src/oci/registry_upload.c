/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Distribution specification 1.1, "Pushing blobs": POST for a place to put it, and PUT. A small
 * blob is kept in memory and sent again where the network breaks; a large one is a stream that is
 * read once.
 */
#include <assert.h>
#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/trace.h"
#include "oci/http_headers.h"
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

static int session_open(struct push *push, char **ret, struct diag *why)
{
	CLEAN(http_response_freep) struct http_response *response = NULL;
	int r = push_ask(push, "POST", "blobs/uploads/", push->scope, &response, why);

	if (r < 0)
		return r;
	if (http_status(response) != 202)
		return registry_error(response, "upload", why);
	return push_upload_url(push, response, ret, why);
}

/* The URL that ends the upload at place. */
static int end_url(const char *place, const struct digest *digest, struct buf *ret)
{
	char text[OCI_DIGEST_SIZE_MAX];
	int r = buf_printf(ret, "%s%cdigest=", place, strchr(place, '?') ? '&' : '?');

	r = r < 0 ? r : http_encode(oci_digest_text(digest, text), ret);
	return r < 0 || !buf_string(ret) ? -ENOMEM : 0;
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
	struct http_request request = {
		.method = "PUT", .headers = put_headers, .is_sent_once = true, .is_foreign = true};
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
		CLEAN(memory_freep) char *place = NULL;
		CLEAN(buf_release) struct buf url = {0};

		/* A session that broke may have taken some of it: each try has its own. */
		r = session_open(push, &place, why);
		r = r < 0 ? r : end_url(place, &blob->digest, &url);
		if (r < 0)
			return r;
		request.url = buf_string(&url);
		r = endpoint_send(&push->endpoint, &request, push->scope, &response, why);
		if ((r < 0 && http_error_is_transient(r)) ||
		    (r == 0 && status_is_transient(http_status(response)))) {
			if (retry_wait(&retry, response))
				continue;
		}
		return r < 0 ? r : put_end(response, why);
	}
}

/* Uploads that broke */

static void session_keep(struct push *push, const struct digest *digest, const char *place)
{
	struct push_session session = {*digest, strdup(place)}, gone;

	if (!session.url)
		return;
	(void)pthread_mutex_lock(&push->lock);
	gone = push->sessions[push->oldest];
	push->sessions[push->oldest] = session;
	push->oldest = (push->oldest + 1) % PUSH_SESSIONS_MAX;
	(void)pthread_mutex_unlock(&push->lock);
	free(gone.url);
}

/* That of a blob, which is forgotten by that. NULL: there is none. */
static char *session_take(struct push *push, const struct digest *digest)
{
	char *url = NULL;

	(void)pthread_mutex_lock(&push->lock);
	for (size_t i = 0; i < PUSH_SESSIONS_MAX && !url; i++) {
		struct push_session *session = &push->sessions[i];

		if (!session->url || !digest_equal(&session->digest, digest))
			continue;
		url = session->url;
		*session = (struct push_session){0};
	}
	(void)pthread_mutex_unlock(&push->lock);
	return url;
}

/* "0-1999" as distribution specification 1.1, "Resume", has it; 0 where it says anything else. */
static uint64_t kept_bytes(const struct http_response *response)
{
	struct span value, last;
	uint64_t number;

	if (!http_header(response, "Range", 0, &value) || value.size < 2 ||
	    memcmp(value.data, "0-", 2) != 0 || !span_from(value, 2, &last) ||
	    !http_number(last, &number) || number == 0) /* "0-0" is said of nothing, too */
		return 0;
	return number + 1;
}

/* An upload of a large blob. */
struct upload {
	char *place;     /* owned; where it goes on */
	uint64_t offset; /* bytes that the registry has */
};

static void upload_release(struct upload *upload)
{
	free(upload->place);
}

/* What the registry kept of an upload, if it did. */
static bool upload_resume(struct push *push, const struct oci_descriptor *blob,
			  struct upload *upload)
{
	CLEAN(http_response_freep) struct http_response *response = NULL;
	CLEAN(memory_freep) char *place = session_take(push, &blob->digest);
	struct http_request request = {.method = "GET", .url = place, .is_foreign = true};
	uint64_t offset;

	if (!place || endpoint_send(&push->endpoint, &request, push->scope, &response, NULL) < 0 ||
	    http_status(response) != 204)
		return false;
	offset = kept_bytes(response);
	if (offset == 0 || offset > blob->size ||
	    push_upload_url(push, response, &upload->place, NULL) < 0)
		return false;
	TRACE("oci", "upload goes on at %llu of %llu", (unsigned long long)offset,
	      (unsigned long long)blob->size);
	upload->offset = offset;
	return true;
}

/* Read what need not be sent. */
static int skip(const struct reader *reader, uint64_t size, struct diag *why)
{
	uint8_t part[64 * 1024];

	while (size > 0) {
		ssize_t got =
			reader_read(reader, part, size < sizeof(part) ? size : sizeof(part), why);

		if (got < 0)
			return (int)got;
		/* Where it ends too early, checked_read() has said so. */
		assert(got > 0);
		size -= (uint64_t)got;
	}
	return 0;
}

/* The rest of a blob of which the registry has something. */
static int patch(struct push *push, const struct oci_descriptor *blob, struct checked *checked,
		 struct upload *upload, struct diag *why)
{
	const struct reader reader = {.read = checked_read, .context = checked};
	CLEAN(http_response_freep) struct http_response *response = NULL;
	char range[64];
	const char *const headers[] = {put_headers[0], range, NULL};
	struct http_request request = {.method = "PATCH",
				       .url = upload->place,
				       .headers = headers,
				       .upload = &reader,
				       .upload_size = blob->size - upload->offset,
				       .is_foreign = true};
	char *place;
	int r = skip(&reader, upload->offset, why);

	if (r < 0 || upload->offset == blob->size)
		return r;
	(void)snprintf(range, sizeof(range), "Content-Range: %llu-%llu",
		       (unsigned long long)upload->offset, (unsigned long long)blob->size - 1);
	r = endpoint_send(&push->endpoint, &request, push->scope, &response, why);
	if (r == 0 && http_status(response) != 202) {
		(void)registry_error(response, "upload", why);
		/* Nothing is said by that of an upload from the beginning. */
		free(TAKE(upload->place));
		r = -EAGAIN;
	}
	r = r < 0 ? r : push_upload_url(push, response, &place, why);
	if (r < 0)
		return r;
	free(upload->place);
	upload->place = place;
	return 0;
}

/* What ends an upload: with the whole blob in it, or without a body where the registry has it. */
static int put(struct push *push, const struct oci_descriptor *blob, struct checked *checked,
	       struct upload *upload, struct diag *why)
{
	const struct reader reader = {.read = checked_read, .context = checked};
	CLEAN(http_response_freep) struct http_response *response = NULL;
	CLEAN(buf_release) struct buf url = {0};
	struct http_request request = {.method = "PUT", .headers = put_headers, .is_foreign = true};
	int r = end_url(upload->place, &blob->digest, &url);

	if (r < 0)
		return r;
	request.url = buf_string(&url);
	if (!upload->offset) {
		request.upload = &reader;
		request.upload_size = blob->size;
	}
	r = endpoint_send(&push->endpoint, &request, push->scope, &response, why);
	/* The wrong bytes are our fault, whatever the registry calls them. */
	if (r == 0 && checked->count == blob->size)
		r = checked_finish(checked, why);
	if (r < 0)
		return r;
	r = put_end(response, why);
	if (r < 0 && upload->offset) {
		free(TAKE(upload->place));
		return -EAGAIN;
	}
	return r < 0 && status_is_transient(http_status(response)) ? -EAGAIN : r;
}

static int put_large(struct push *push, const struct oci_descriptor *blob, struct checked *checked,
		     struct diag *why)
{
	CLEAN(upload_release) struct upload upload = {0};
	int r = 0;

	if (!upload_resume(push, blob, &upload)) {
		r = session_open(push, &upload.place, why);
		if (r < 0)
			return r; /* the registry was asked often enough, and the answer is no */
	}
	if (upload.offset)
		r = patch(push, blob, checked, &upload, why);
	r = r < 0 ? r : put(push, blob, checked, &upload, why);
	if (!checked->error && http_error_is_transient(r))
		r = -EAGAIN;
	if (r == -EAGAIN && upload.place)
		session_keep(push, &blob->digest, upload.place);
	return r;
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
