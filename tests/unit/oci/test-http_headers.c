/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/limits.h"
#include "oci/http_headers.h"

static int add(struct http_headers *headers, const char *line)
{
	return http_headers_add(headers, span_of_string(line));
}

static void assert_value(const struct http_headers *headers, const char *name, size_t index,
			 const char *value)
{
	struct span found = SPAN_EMPTY;

	assert_int_equal(value != NULL, http_headers_find(headers, name, index, &found));
	if (value && !span_equal(found, span_of_string(value)))
		fail_msg("%s: '%.*s'", name, (int)found.size, (const char *)found.data);
}

static void fields_are_found_by_name_in_any_case(void **state)
{
	struct http_headers headers = {0};

	(void)state;
	assert_int_equal(0, add(&headers, "HTTP/1.1 200 OK\r\n"));
	assert_int_equal(0, add(&headers, "Content-Length:   12 \t\r\n"));
	assert_int_equal(0, add(&headers, "WWW-Authenticate: Basic\r\n"));
	assert_int_equal(0, add(&headers, "Content-Lengthy: 7\r\n"));
	assert_int_equal(0, add(&headers, "www-authenticate:Bearer a\r\n"));
	assert_int_equal(0, add(&headers, "Odd : 1\r\n"));
	assert_int_equal(0, add(&headers, "Empty:\r\n"));
	assert_value(&headers, "content-length", 0, "12");
	assert_value(&headers, "content-length", 1, NULL);
	assert_value(&headers, "WWW-Authenticate", 0, "Basic");
	assert_value(&headers, "WWW-Authenticate", 1, "Bearer a");
	assert_value(&headers, "WWW-Authenticate", 2, NULL);
	assert_value(&headers, "Odd", 0, NULL);
	assert_value(&headers, "Empty", 0, "");
	assert_value(&headers, "Content", 0, NULL);
	http_headers_release(&headers);
}

static void trailers_and_interim_answers_do_not_count(void **state)
{
	struct http_headers headers = {0};

	(void)state;
	assert_int_equal(0, add(&headers, "HTTP/1.1 100 Continue\r\n"));
	assert_int_equal(0, add(&headers, "A: 1\r\n"));
	assert_int_equal(0, add(&headers, "\r\n"));
	assert_false(headers.is_complete);
	assert_int_equal(0, add(&headers, "HTTP/1.1 200 OK\r\n"));
	assert_false(headers.is_complete);
	assert_value(&headers, "A", 0, NULL);
	assert_int_equal(0, add(&headers, "A: 2\r\n"));
	assert_int_equal(0, add(&headers, "\r\n"));
	assert_true(headers.is_complete);
	assert_int_equal(0, add(&headers, "A: 3\r\n"));
	assert_value(&headers, "A", 0, "2");
	assert_value(&headers, "A", 1, NULL);
	http_headers_release(&headers);
}

static void their_size_is_limited(void **state)
{
	struct http_headers headers = {0};
	char line[1025];
	int count = 0;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	while (add(&headers, line) == 0)
		count++;
	assert_true(count >= HTTP_HEADERS_SIZE_MAX / 1025 - 1);
	assert_true(headers.lines.size <= HTTP_HEADERS_SIZE_MAX + 1);
	assert_int_equal(-E2BIG, add(&headers, line));
	http_headers_release(&headers);
}

static void numbers_are_whole_values(void **state)
{
	static const char *const bad[] = {
		"", "-1", "+1", "1 ", "0x1", "1.5", "9223372036854775808", "99999999999999999999"};
	uint64_t number = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(http_number(span_of_string(bad[i]), &number));
	assert_int_equal(7, number);
	assert_true(http_number(SPAN_LITERAL("9223372036854775807"), &number));
	assert_true(number == INT64_MAX);
}

static void ranges_are_in_order_and_inside(void **state)
{
	static const char *const bad[] = {
		"",
		"bytes",
		"bytes 1-2",
		"bytes 2-1/3",
		"bytes 1-3/3",
		"bytes 1-2/3x",
		"bytes */3",
		"lines 1-2/3",
		"bytes 1-/3",
		"bytes -2/3",
		"bytes 1 -2/3",
		"bytes 1-2/3/4",
	};
	struct http_range range;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(http_content_range(span_of_string(bad[i]), &range));
	assert_true(http_content_range(SPAN_LITERAL("Bytes 1-2/3"), &range));
	assert_int_equal(1, range.first);
	assert_int_equal(2, range.last);
	assert_int_equal(3, range.total);
	assert_true(http_content_range(SPAN_LITERAL("bytes 0-0/*"), &range));
	assert_true(range.total == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_by_name_in_any_case),
		cmocka_unit_test(trailers_and_interim_answers_do_not_count),
		cmocka_unit_test(their_size_is_limited),
		cmocka_unit_test(numbers_are_whole_values),
		cmocka_unit_test(ranges_are_in_order_and_inside),
	};

	return cmocka_run_group_tests_name("oci/http_headers", tests, NULL, NULL);
}
