/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <jansson.h>

#include "base/digest.h"
#include "cli/json.h"

/* What print() writes, as a document of a strict parser; the caller drops it. */
static json_t *parsed(void (*print)(struct json *json))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct json json;
	json_error_t error;
	json_t *document;

	assert_non_null(out);
	json_start(&json, out);
	print(&json);
	json_finish(&json);
	(void)fclose(out);
	document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!document)
		fail_msg("%s in %s", error.text, text);
	free(text);
	return document;
}

static void print_document(struct json *json)
{
	struct digest digest = {.algorithm = DIGEST_SHA256, .bytes = {0xab}};

	json_open(json, NULL, '{');
	json_text(json, "text", "quote \" backslash \\ newline \n delete \x7f");
	json_text(json, "null", NULL);
	json_number(json, "number", 12345678901234);
	json_bool(json, "bool", true);
	json_digest(json, "digest", &digest);
	json_time(json, "time", 1577934245, 123456789);
	json_time(json, "before", -1, 5);
	json_time(json, "far", INT64_MAX, 0);
	json_open(json, "list", '[');
	for (uint64_t i = 0; i < 3; i++) {
		json_open(json, NULL, '{');
		json_number(json, "i", i);
		json_close(json);
	}
	json_close(json);
	json_open(json, "empty", '[');
	json_close(json);
	json_close(json);
}

static void prints_what_a_strict_parser_takes(void **state)
{
	json_t *document = parsed(print_document);

	(void)state;
#define TEXT(key) json_string_value(json_object_get(document, key))
	assert_string_equal("quote \" backslash \\ newline \n delete \x7f", TEXT("text"));
	assert_true(json_is_null(json_object_get(document, "null")));
	assert_int_equal(12345678901234, json_integer_value(json_object_get(document, "number")));
	assert_memory_equal("sha256:ab00", TEXT("digest"), 11);
	assert_string_equal("2020-01-02T03:04:05.123456789Z", TEXT("time"));
	assert_string_equal("1969-12-31T23:59:59.000000005Z", TEXT("before"));
	assert_true(json_is_null(json_object_get(document, "far")));
#undef TEXT
	assert_int_equal(3, json_array_size(json_object_get(document, "list")));
	assert_int_equal(0, json_array_size(json_object_get(document, "empty")));
	json_decref(document);
}

static const char *const odd_bytes[] = {
	"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "a\x80z", "\xc3",
};
#define ODD_COUNT (sizeof(odd_bytes) / sizeof(odd_bytes[0]))

static void print_odd(struct json *json)
{
	json_open(json, NULL, '[');
	for (size_t i = 0; i < ODD_COUNT; i++) {
		json_open(json, NULL, '{');
		json_bytes(json, "name", span_of_string(odd_bytes[i]));
		json_close(json);
	}
	json_open(json, NULL, '{');
	json_bytes(json, "name", SPAN_LITERAL("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7"));
	json_close(json);
	json_close(json);
}

static void keeps_the_exact_bytes_of_what_is_not_utf8(void **state)
{
	json_t *document = parsed(print_odd), *last;

	(void)state;
	for (size_t i = 0; i < ODD_COUNT; i++) {
		json_t *entry = json_array_get(document, i);
		const char *hex = json_string_value(json_object_get(entry, "name_hex"));
		uint8_t bytes[8];

		assert_non_null(hex);
		assert_true(hex_decode(span_of_string(hex), bytes, strlen(odd_bytes[i])));
		assert_memory_equal(odd_bytes[i], bytes, strlen(odd_bytes[i]));
	}
	last = json_array_get(document, ODD_COUNT);
	assert_null(json_object_get(last, "name_hex"));
	assert_string_equal("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7",
			    json_string_value(json_object_get(last, "name")));
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_what_a_strict_parser_takes),
		cmocka_unit_test(keeps_the_exact_bytes_of_what_is_not_utf8),
	};

	return cmocka_run_group_tests_name("cli/json", tests, NULL, NULL);
}
