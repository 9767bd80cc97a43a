/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A blob as a stream that outlives its connections: where one breaks, the next asks for the rest
 * (RFC 9110, 14.2), at the next place where it was a mirror's.
 */
#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/trace.h"
#include "oci/http_headers.h"
#include "oci/registry_private.h"

struct blob_reader {
	struct registry *registry; /* borrowed: the source lives longer */
	size_t place;              /* index of the endpoint */
	struct oci_descriptor blob;
	uint64_t offset;                /* of the next byte for our reader */
	uint64_t skip;                  /* bytes of the answer that were read before */
	struct http_response *response; /* owned; NULL: not connected */
	struct retry retry;
	uint64_t mark;           /* offset where retry began to count anew */
	unsigned int beginnings; /* answers that ignored the range */
	char *what;              /* owned; for messages */
};

static void blob_close(void *context)
{
	struct blob_reader *reader = context;

	http_response_free(reader->response);
	free(reader->what);
	free(reader);
}

static struct endpoint *endpoint_of(const struct blob_reader *reader)
{
	return &reader->registry->endpoints[reader->place];
}

static int another_size(const struct blob_reader *reader, uint64_t size, struct diag *why)
{
	return diag_set(why, -EBADMSG, "%s: %llu bytes, and not %llu", reader->what,
			(unsigned long long)size, (unsigned long long)reader->blob.size);
}

/* All of it comes, whatever we asked for: what was read is read again, a few times. */
static int take_whole(struct blob_reader *reader, struct diag *why)
{
	uint64_t size = http_content_length(reader->response);

	if (size != UINT64_MAX && size != reader->blob.size)
		return another_size(reader, size, why);
	if (reader->offset > 0 && ++reader->beginnings > RANGE_IGNORED_MAX)
		return diag_set(why, -EIO,
				"%s: the connection breaks, and the registry cannot go on "
				"where it broke",
				reader->what);
	reader->skip = reader->offset;
	return 0;
}

static int take_part(struct blob_reader *reader, struct diag *why)
{
	struct http_range range;
	struct span value;

	if (!http_header(reader->response, "Content-Range", 0, &value) ||
	    !http_content_range(value, &range) || range.first > reader->offset)
		return diag_set(why, -EUCLEAN, "%s: the answer is another part than was asked for",
				reader->what);
	if (range.total != UINT64_MAX && range.total != reader->blob.size)
		return another_size(reader, range.total, why);
	reader->skip = reader->offset - range.first;
	return 0;
}

/* What came in answer to the request. 1: ask again. */
static int answer_take(struct blob_reader *reader, struct diag *why)
{
	unsigned int status = http_status(reader->response);

	if (status == 200)
		return take_whole(reader, why);
	if (status == 206)
		return take_part(reader, why);
	if (status == 416)
		return diag_set(why, -EBADMSG, "%s: it ends before %llu of %llu bytes",
				reader->what, (unsigned long long)reader->offset,
				(unsigned long long)reader->blob.size);
	if (status_is_transient(status) && retry_wait(&reader->retry, reader->response))
		return 1;
	return registry_error(reader->response, reader->what, why);
}

/* Ask for what is left. Tries again as long as that makes sense. */
static int connect_here(struct blob_reader *reader, struct diag *why)
{
	struct endpoint *endpoint = endpoint_of(reader);
	CLEAN(memory_freep) char *scope = endpoint_scope(endpoint, "pull");
	CLEAN(buf_release) struct buf url = {0};
	const char *headers[] = {NULL, NULL};
	struct http_request request = {.method = "GET", .headers = headers};
	char digest[OCI_DIGEST_SIZE_MAX], below[OCI_DIGEST_SIZE_MAX + 8], range[64];
	int r;

	(void)snprintf(below, sizeof(below), "blobs/%s",
		       oci_digest_text(&reader->blob.digest, digest));
	r = scope ? endpoint_url(endpoint, below, &url, why) : -ENOMEM;
	if (r < 0)
		return r;
	request.url = buf_string(&url);
	if (!request.url)
		return -ENOMEM;
	(void)snprintf(range, sizeof(range), "Range: bytes=%llu-",
		       (unsigned long long)reader->offset);
	if (reader->offset)
		headers[0] = range;
	do {
		r = endpoint_send(endpoint, &request, scope, &reader->response, why);
		if (r == 0)
			r = answer_take(reader, why);
		else if (http_error_is_transient(r) && retry_wait(&reader->retry, NULL))
			r = 1;
		if (r != 0)
			http_response_free(TAKE(reader->response));
	} while (r > 0);
	return r;
}

/* The same at the next place, where there is one and that may help. */
static bool next_place(struct blob_reader *reader, int err)
{
	if (err == -ENOMEM || reader->place + 1 >= reader->registry->count)
		return false;
	reader->place++;
	reader->retry = endpoint_retry(endpoint_of(reader));
	reader->beginnings = 0;
	return true;
}

static int connect_anywhere(struct blob_reader *reader, struct diag *why)
{
	int r;

	do
		r = connect_here(reader, why);
	while (r < 0 && next_place(reader, r));
	return r;
}

/* Read away what was read before. Returns as http_read(): 1 when all of it is gone. */
static ssize_t skip_known(struct blob_reader *reader, void *data, size_t size, struct diag *why)
{
	while (reader->skip) {
		size_t part = reader->skip < size ? (size_t)reader->skip : size;
		ssize_t got = http_read(reader->response, data, part, why);

		if (got <= 0)
			return got;
		reader->skip -= (uint64_t)got;
	}
	return 1;
}

/* The connection is gone, or the answer ended too early. Returns 0 to go on. */
static int broken(struct blob_reader *reader, int err, struct diag *why)
{
	http_response_free(TAKE(reader->response));
	TRACE("oci", "blob broke at %llu of %llu", (unsigned long long)reader->offset,
	      (unsigned long long)reader->blob.size);
	if ((err == 0 || http_error_is_transient(err)) && retry_wait(&reader->retry, NULL))
		return 0;
	if (next_place(reader, err))
		return 0;
	if (err < 0)
		return err;
	return diag_set(why, -EBADMSG, "%s: it ends at %llu of %llu bytes", reader->what,
			(unsigned long long)reader->offset, (unsigned long long)reader->blob.size);
}

static void note_progress(struct blob_reader *reader, size_t got)
{
	reader->offset += got;
	if (reader->offset - reader->mark < RETRY_PROGRESS_MIN)
		return;
	reader->mark = reader->offset;
	reader->retry.count = 0;
}

static ssize_t blob_read(void *context, void *data, size_t size, struct diag *why)
{
	struct blob_reader *reader = context;

	for (;;) {
		ssize_t got;
		int r;

		/* What a server sends beyond the end is not asked for, and not waited for. */
		if (reader->offset == reader->blob.size)
			return 0;
		if (!reader->response) {
			r = connect_anywhere(reader, why);
			if (r < 0)
				return r;
		}
		if (size > reader->blob.size - reader->offset)
			size = (size_t)(reader->blob.size - reader->offset);
		got = skip_known(reader, data, size, why);
		if (got > 0)
			got = http_read(reader->response, data, size, why);
		if (got > 0) {
			note_progress(reader, (size_t)got);
			return got;
		}
		r = broken(reader, (int)got, why);
		if (r < 0)
			return r;
	}
}

int registry_blob(struct oci_source *source, const struct oci_descriptor *blob, uint64_t offset,
		  struct reader *ret, struct diag *why)
{
	struct registry *registry = (struct registry *)source;
	struct blob_reader *reader = calloc(1, sizeof(*reader));
	char digest[OCI_DIGEST_SIZE_MAX];
	int r = 0;

	if (!reader)
		return -ENOMEM;
	reader->registry = registry;
	reader->place = atomic_load(&registry->current);
	reader->blob = *blob;
	reader->offset = reader->mark = offset < blob->size ? offset : blob->size;
	reader->retry = endpoint_retry(endpoint_of(reader));
	if (asprintf(&reader->what, "%s/%s: blob %s", endpoint_of(reader)->reference.registry,
		     endpoint_of(reader)->reference.repository,
		     oci_digest_text(&blob->digest, digest)) < 0) {
		reader->what = NULL;
		r = -ENOMEM;
	}
	if (r == 0 && reader->offset < blob->size)
		r = connect_anywhere(reader, why);
	if (r < 0) {
		blob_close(reader);
		return r;
	}
	*ret = (struct reader){.read = blob_read, .close = blob_close, .context = reader};
	return 0;
}
