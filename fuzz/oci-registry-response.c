/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The answer of a registry: header lines, an empty line, and a body. Whatever is taken from it is
 * in bounds, and printable where it is for messages.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/limits.h"
#include "oci/http_headers.h"
#include "oci/registry_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t limit)
{
	if (strlen(text) >= limit)
		abort();
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			abort();
	}
}

/* Lines as libcurl delivers them; what is left is the body. */
static struct span headers_take(struct span rest, struct http_headers *headers)
{
	struct span line;

	while (rest.size && !headers->is_complete) {
		const uint8_t *end = memchr(rest.data, '\n', rest.size);

		(void)span_cut(rest, 0, end ? (uint64_t)(end - rest.data) + 1 : rest.size, &line);
		(void)span_from(rest, line.size, &rest);
		if (http_headers_add(headers, line) < 0)
			break;
	}
	if (headers->lines.size > HTTP_HEADERS_SIZE_MAX + 1)
		abort();
	return rest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[REGISTRY_ERROR_TEXT_SIZE], type[MEDIA_TYPE_SIZE_MAX];
	struct http_headers headers = {0};
	struct span body = headers_take(span_of(data, size), &headers), value;
	struct http_range range;
	struct diag why = {0};
	uint64_t number;

	check_text(registry_error_text(body, text), sizeof(text));
	for (size_t i = 0; http_headers_find(&headers, "Content-Type", i, &value); i++) {
		registry_media_type(value, type);
		check_text(type, sizeof(type));
	}
	if (http_headers_find(&headers, "Content-Length", 0, &value) &&
	    http_number(value, &number) && number > INT64_MAX)
		abort();
	if (http_headers_find(&headers, "Content-Range", 0, &value) &&
	    http_content_range(value, &range) &&
	    (range.first > range.last || range.last >= range.total))
		abort();
	if (http_headers_find(&headers, "Docker-Content-Digest", 0, &value) && value.size)
		(void)registry_manifest_check(body, value, NULL, &why);
	http_headers_release(&headers);
	return 0;
}
