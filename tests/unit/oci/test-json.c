/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/json.h"

static int load(const char *text, json_t **ret)
{
	struct diag why = {0};
	int r = oci_json_object_load(span_of_string(text), ret, &why);

	if (r < 0)
		assert_true(why.text[0]);
	return r;
}

static void two_readers_cannot_see_two_documents(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"{}x",
		"{} {}",
		"{\"a\":1,\"a\":2}",
		"{\"a\":{\"b\":1,\"b\":1}}",
		"{\"a\":1,}",
		"{'a':1}",
		"{\"a\":01}",
		"{\"a\":NaN}",
		"{\"a\":1e999}",
		"{\"a\":99999999999999999999}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\\ud800\"}",
		"[]",
		"1",
		"null",
		"// {}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *document = NULL;

		assert_int_equal(-EUCLEAN, load(bad[i], &document));
		assert_null(document);
	}
}

static void a_nul_does_not_end_a_document(void **state)
{
	struct diag why = {0};
	json_t *document;

	(void)state;
	assert_int_equal(-EUCLEAN,
			 oci_json_object_load(SPAN_LITERAL("{}\0{\"a\":1}"), &document, &why));
	assert_int_equal(-EUCLEAN, oci_json_object_load(SPAN_EMPTY, &document, &why));
}

static struct buf repeated(const char *head, const char *part, size_t count, const char *tail)
{
	struct buf text = {0};

	assert_int_equal(0, buf_append_string(&text, head));
	for (size_t i = 0; i < count; i++)
		assert_int_equal(0, buf_append_string(&text, part));
	assert_int_equal(0, buf_append_string(&text, tail));
	return text;
}

static int load_array(struct buf *text)
{
	struct diag why = {0};
	json_t *document = NULL;
	int r = oci_json_array_load(buf_span(text), &document, &why);

	json_decref(document);
	buf_release(text);
	return r;
}

static void limits_hold_before_memory_is_spent(void **state)
{
	struct buf text;

	(void)state;
	text = repeated("[1", ",1", DOCUMENT_VALUE_COUNT_MAX - 2, "]");
	assert_int_equal(0, load_array(&text));
	text = repeated("[1", ",1", DOCUMENT_VALUE_COUNT_MAX, "]");
	assert_int_equal(-E2BIG, load_array(&text));
	text = repeated("[{}", ",{}", DOCUMENT_CONTAINER_COUNT_MAX - 2, "]");
	assert_int_equal(0, load_array(&text));
	text = repeated("[{}", ",{}", DOCUMENT_CONTAINER_COUNT_MAX, "]");
	assert_int_equal(-E2BIG, load_array(&text));
	text = repeated("", "[", DOCUMENT_DEPTH_MAX + 1, "");
	assert_int_equal(-E2BIG, load_array(&text));
	text = repeated("[", " ", MANIFEST_SIZE_MAX, "]");
	assert_int_equal(-E2BIG, load_array(&text));
}

/* Brackets and commas in strings are text, behind an escaped quote, too. */
static void strings_do_not_count_as_structure(void **state)
{
	struct buf text = repeated("[\"\\\\\",\"\\\"", "[{,", DOCUMENT_VALUE_COUNT_MAX, "\"]");

	(void)state;
	assert_int_equal(0, load_array(&text));
}

static void fields_have_the_type_that_is_wanted_or_are_missing(void **state)
{
	struct diag why = {0};
	const json_t *value;
	const char *text;
	uint64_t number;
	json_t *object;

	(void)state;
	assert_int_equal(0, load("{\"t\":\"x\",\"n\":7,\"z\":null,\"m\":-1,\"f\":1.5,\"l\":[],"
				 "\"o\":{\"k\":\"v\"},\"p\":{\"k\":1}}",
				 &object));
	assert_ok(oci_json_text(object, "t", &text, &why), &why);
	assert_string_equal("x", text);
	assert_ok(oci_json_text(object, "z", &text, &why), &why);
	assert_null(text);
	assert_ok(oci_json_text(object, "none", &text, &why), &why);
	assert_null(text);
	assert_int_equal(-EUCLEAN, oci_json_text(object, "n", &text, &why));
	assert_int_equal(-EUCLEAN, oci_json_text_needed(object, "z", &text, &why));
	assert_ok(oci_json_number_needed(object, "n", &number, &why), &why);
	assert_int_equal(7, number);
	assert_int_equal(-EUCLEAN, oci_json_number_needed(object, "m", &number, &why));
	assert_int_equal(-EUCLEAN, oci_json_number_needed(object, "f", &number, &why));
	assert_int_equal(-EUCLEAN, oci_json_number_needed(object, "none", &number, &why));
	assert_int_equal(-EUCLEAN, oci_json_array(object, "o", &value, &why));
	assert_int_equal(-EUCLEAN, oci_json_object(object, "l", &value, &why));
	assert_ok(oci_json_object(object, "o", &value, &why), &why);
	assert_ok(oci_json_check_texts(value, "o", &why), &why);
	assert_ok(oci_json_check_texts(NULL, "o", &why), &why);
	assert_ok(oci_json_object(object, "p", &value, &why), &why);
	assert_int_equal(-EUCLEAN, oci_json_check_texts(value, "p", &why));
	oci_json_releasep(&object);
	assert_null(object);
}

/* A store's list of images is larger than any document that is for one. */
static void a_list_may_be_larger_than_a_document(void **state)
{
	struct buf text = {0};
	json_t *list = NULL;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, buf_append_byte(&text, '['));
	for (size_t i = 0; i < DOCUMENT_VALUE_COUNT_MAX; i++)
		assert_int_equal(0, buf_append_string(&text, "\"0123456789abcdef\","));
	assert_int_equal(0, buf_append_string(&text, "7]"));
	assert_int_equal(-E2BIG, oci_json_array_load(buf_span(&text), &list, &why));
	assert_ok(oci_json_list_load(buf_span(&text), &list, &why), &why);
	assert_int_equal(DOCUMENT_VALUE_COUNT_MAX + 1, json_array_size(list));
	oci_json_releasep(&list);

	text.size--;
	for (size_t i = 0; i < 3 * (size_t)DOCUMENT_VALUE_COUNT_MAX; i++)
		assert_int_equal(0, buf_append_string(&text, ",7"));
	assert_int_equal(0, buf_append_byte(&text, ']'));
	assert_int_equal(-E2BIG, oci_json_list_load(buf_span(&text), &list, &why));
	text.size = 0;
	assert_int_equal(0, buf_append_zeros(&text, STORAGE_LIST_SIZE_MAX + 1));
	assert_int_equal(-E2BIG, oci_json_list_load(buf_span(&text), &list, &why));
	assert_int_equal(-EUCLEAN, oci_json_list_load(SPAN_LITERAL("{}"), &list, &why));
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_readers_cannot_see_two_documents),
		cmocka_unit_test(a_nul_does_not_end_a_document),
		cmocka_unit_test(limits_hold_before_memory_is_spent),
		cmocka_unit_test(strings_do_not_count_as_structure),
		cmocka_unit_test(a_list_may_be_larger_than_a_document),
		cmocka_unit_test(fields_have_the_type_that_is_wanted_or_are_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
