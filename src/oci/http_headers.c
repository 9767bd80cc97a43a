/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/http_headers.h"

#include <errno.h>
#include <strings.h>

#include "base/ckd.h"
#include "base/limits.h"

void http_headers_release(struct http_headers *headers)
{
	buf_release(&headers->lines);
	*headers = (struct http_headers){0};
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span text)
{
	while (text.size && is_space(text.data[text.size - 1]))
		text.size--;
	while (text.size && is_space(text.data[0])) {
		text.data++;
		text.size--;
	}
	return text;
}

/* "HTTP/1.1 100 Continue", "HTTP/2 103" */
static bool is_interim_status(struct span line)
{
	const uint8_t *space = memchr(line.data, ' ', line.size);
	struct span status;

	return space && span_cut(line, (uint64_t)(space - line.data) + 1, 3, &status) &&
	       status.data[0] == '1';
}

int http_headers_add(struct http_headers *headers, struct span line)
{
	int r;

	if (span_starts_with(line, SPAN_LITERAL("HTTP/"))) {
		headers->lines.size = 0;
		headers->is_complete = false;
		headers->is_interim = is_interim_status(line);
		return 0;
	}
	if (trim(line).size == 0)
		headers->is_complete = !headers->is_interim;
	if (headers->is_complete || headers->is_interim)
		return 0;
	if (line.size > HTTP_HEADERS_SIZE_MAX ||
	    headers->lines.size > HTTP_HEADERS_SIZE_MAX - line.size)
		return -E2BIG;
	while (line.size && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
		line.size--;
	r = buf_append_span(&headers->lines, line);
	return r < 0 ? r : buf_append_byte(&headers->lines, '\n');
}

/* Whether line is "name: value"; no white space may stand before the colon (RFC 9112, 5.1). */
static bool field_is(struct span line, struct span name, struct span *ret)
{
	if (line.size <= name.size || line.data[name.size] != ':' ||
	    strncasecmp((const char *)line.data, (const char *)name.data, name.size) != 0)
		return false;
	(void)span_from(line, name.size + 1, ret);
	*ret = trim(*ret);
	return true;
}

bool http_headers_find(const struct http_headers *headers, const char *name, size_t index,
		       struct span *ret)
{
	struct span rest = buf_span(&headers->lines), line, value;

	while (rest.size) {
		const uint8_t *end = memchr(rest.data, '\n', rest.size);

		(void)span_cut(rest, 0, end ? (uint64_t)(end - rest.data) : rest.size, &line);
		(void)span_from(rest, line.size + (end ? 1 : 0), &rest);
		if (!field_is(line, span_of_string(name), &value) || index-- > 0)
			continue;
		*ret = value;
		return true;
	}
	return false;
}

/* Digits at the beginning of *text, which is moved behind them. */
static bool take_number(struct span *text, uint64_t *ret)
{
	uint64_t number = 0;
	size_t at = 0;

	for (; at < text->size && text->data[at] >= '0' && text->data[at] <= '9'; at++) {
		if (ckd_mul(&number, number, 10) ||
		    ckd_add(&number, number, (uint64_t)(text->data[at] - '0')) ||
		    number > INT64_MAX)
			return false;
	}
	if (at == 0)
		return false;
	*ret = number;
	return span_from(*text, at, text);
}

bool http_number(struct span value, uint64_t *ret)
{
	uint64_t number;

	if (!take_number(&value, &number) || value.size)
		return false;
	*ret = number;
	return true;
}

static bool take_byte(struct span *text, char byte)
{
	return text->size && text->data[0] == (uint8_t)byte && span_from(*text, 1, text);
}

bool http_content_range(struct span value, struct http_range *ret)
{
	struct http_range range = {.total = UINT64_MAX};

	if (value.size < 6 || strncasecmp((const char *)value.data, "bytes ", 6) != 0 ||
	    !span_from(value, 6, &value))
		return false;
	if (!take_number(&value, &range.first) || !take_byte(&value, '-') ||
	    !take_number(&value, &range.last) || !take_byte(&value, '/'))
		return false;
	if (!take_byte(&value, '*') && !take_number(&value, &range.total))
		return false;
	if (value.size || range.last < range.first || range.last >= range.total)
		return false;
	*ret = range;
	return true;
}
