/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * http_headers.h - the header fields of one answer
 *
 * RFC 9110, section 5, and RFC 9112, section 5. Lines are collected as they come, and read when
 * somebody asks. What is no field is skipped: it cannot be asked for.
 */
#ifndef LAMINA_OCI_HTTP_HEADERS_H
#define LAMINA_OCI_HTTP_HEADERS_H

#include <stdbool.h>

#include "base/buf.h"

/* Starts as {0}. Owned by one thread. */
struct http_headers {
	struct buf lines; /* owned */
	bool is_interim;  /* of an answer before the answer (1xx): another status line follows */
	bool is_complete; /* the empty line came; what follows are trailers, which nobody asks for
			   */
};

void http_headers_release(struct http_headers *headers);

/*
 * A line as libcurl delivers them, with its end of line. A status line begins anew, as after "100
 * Continue". Returns 0, -ENOMEM, or -E2BIG beyond HTTP_HEADERS_SIZE_MAX.
 */
int http_headers_add(struct http_headers *headers, struct span line);

/* The value of the index-th field of that name, in any case, without white space around it. */
bool http_headers_find(const struct http_headers *headers, const char *name, size_t index,
		       struct span *ret);

/*
 * A number that is a field's whole value (Content-Length, Retry-After), at most INT64_MAX; false
 * for anything else.
 */
bool http_number(struct span value, uint64_t *ret);

/* "bytes 100-199/300" (RFC 9110, 14.4); the total is UINT64_MAX where it is "*". */
struct http_range {
	uint64_t first;
	uint64_t last;
	uint64_t total;
};
bool http_content_range(struct span value, struct http_range *ret);

#endif
