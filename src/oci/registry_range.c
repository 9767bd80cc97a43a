/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A part of a blob (RFC 9110, 14.2). Small, and verified by whoever asked for it: where a
 * connection breaks, he asks once more.
 */
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/http_headers.h"
#include "oci/registry_private.h"

struct range_reader {
	struct http_response *response; /* owned */
	uint64_t left;                  /* bytes that were asked for and not read */
};

static void range_close(void *context)
{
	struct range_reader *reader = context;

	http_response_free(reader->response);
	free(reader);
}

static ssize_t range_read(void *context, void *data, size_t size, struct diag *why)
{
	struct range_reader *reader = context;
	ssize_t got;

	if (reader->left == 0)
		return 0;
	if (size > reader->left)
		size = (size_t)reader->left;
	got = http_read(reader->response, data, size, why);
	if (got == 0)
		return diag_set(why, -ECONNRESET, "the answer ends %llu bytes too early",
				(unsigned long long)reader->left);
	if (got > 0)
		reader->left -= (uint64_t)got;
	return got;
}

/* Whether the answer is what was asked for. */
static int answer_check(struct http_response *response, const struct oci_descriptor *blob,
			uint64_t offset, const char *what, struct diag *why)
{
	unsigned int status = http_status(response);
	struct http_range range;
	struct span value;

	if (status == 200)
		return diag_set(why, -EOPNOTSUPP, "%s: it is given as a whole only", what);
	if (status == 416)
		return diag_set(why, -EBADMSG, "%s: it ends before byte %llu", what,
				(unsigned long long)offset);
	if (status != 206)
		return registry_error(response, what, why);
	if (!http_header(response, "Content-Range", 0, &value) ||
	    !http_content_range(value, &range) || range.first != offset)
		return diag_set(why, -EUCLEAN, "%s: the answer is another part than was asked for",
				what);
	if (range.total != UINT64_MAX && range.total != blob->size)
		return diag_set(why, -EBADMSG, "%s: %llu bytes, and not %llu", what,
				(unsigned long long)range.total, (unsigned long long)blob->size);
	return 0;
}

static int range_ask(struct endpoint *endpoint, const struct oci_descriptor *blob, uint64_t offset,
		     uint64_t size, struct http_response **ret, struct diag *why)
{
	CLEAN(memory_freep) char *scope = endpoint_scope(endpoint, "pull");
	CLEAN(http_response_freep) struct http_response *response = NULL;
	CLEAN(buf_release) struct buf url = {0};
	char digest[OCI_DIGEST_SIZE_MAX], below[OCI_DIGEST_SIZE_MAX + 8], range[80];
	const char *headers[] = {range, NULL};
	struct http_request request = {.method = "GET", .headers = headers};
	int r;

	(void)snprintf(below, sizeof(below), "blobs/%s", oci_digest_text(&blob->digest, digest));
	(void)snprintf(range, sizeof(range), "Range: bytes=%llu-%llu", (unsigned long long)offset,
		       (unsigned long long)(offset + size - 1));
	r = scope ? endpoint_url(endpoint, below, &url, why) : -ENOMEM;
	if (r < 0)
		return r;
	request.url = buf_string(&url);
	if (!request.url)
		return -ENOMEM;
	r = endpoint_ask(endpoint, &request, scope, &response, why);
	if (r == 0)
		r = answer_check(response, blob, offset, below, why);
	if (r == 0)
		*ret = TAKE(response);
	return r;
}

int registry_range(struct oci_source *source, const struct oci_descriptor *blob, uint64_t offset,
		   uint64_t size, struct reader *ret, struct diag *why)
{
	struct registry *registry = (struct registry *)source;
	struct range_reader *reader;
	int r = -ENOENT;

	if (size == 0 || offset > blob->size || size > blob->size - offset)
		return diag_set(why, -EINVAL, "a part that is not in the blob");
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	for (size_t i = atomic_load(&registry->current); i < registry->count; i++) {
		r = range_ask(&registry->endpoints[i], blob, offset, size, &reader->response, why);
		if (r == 0 || r == -ENOMEM)
			break;
	}
	if (r < 0) {
		free(reader);
		return r;
	}
	reader->left = size;
	*ret = (struct reader){.read = range_read, .close = range_close, .context = reader};
	return 0;
}
