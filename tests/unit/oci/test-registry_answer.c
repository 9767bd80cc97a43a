/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/diag.h"
#include "oci/registry_private.h"

static void an_error_is_told_in_one_printable_line(void **state)
{
	static const char *const cases[][2] = {
		{"{\"errors\":[{\"code\":\"A\",\"message\":\"b c\"}]}", "A: b c"},
		{"{\"errors\":[{\"code\":\"A\"}, {\"code\":\"B\"}]}", "A"},
		{"{\"errors\":[{\"message\":\"\\u001b[31m\\n\"}]}", "?[31m?"},
		{"{\"errors\":[]}", ""},
		{"{\"errors\":{}}", ""},
		{"{\"errors\":[7]}", ""},
		{"[]", ""},
		{"<html>", ""},
		{"", ""},
	};
	char text[REGISTRY_ERROR_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(cases[i][1],
				    registry_error_text(span_of_string(cases[i][0]), text));
}

static void an_error_is_cut_where_it_is_long(void **state)
{
	char text[REGISTRY_ERROR_TEXT_SIZE], body[1000] = "{\"errors\":[{\"code\":\"";
	size_t size = strlen(body);

	(void)state;
	memset(body + size, 'a', 900);
	(void)snprintf(body + size + 900, sizeof(body) - size - 900, "\"}]}");
	(void)registry_error_text(span_of_string(body), text);
	assert_int_equal(REGISTRY_ERROR_TEXT_SIZE - 1, strlen(text));
}

static void a_media_type_has_no_parameters(void **state)
{
	static const char *const cases[][2] = {
		{"application/vnd.oci.image.manifest.v1+json",
		 "application/vnd.oci.image.manifest.v1+json"},
		{"text/plain; charset=utf-8", "text/plain"},
		{"text/plain ;charset", "text/plain"},
		{"text/pl\"ain", ""},
		{"", ""},
		{";", ""},
	};
	char type[MEDIA_TYPE_SIZE_MAX], longer[MEDIA_TYPE_SIZE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		registry_media_type(span_of_string(cases[i][0]), type);
		assert_string_equal(cases[i][1], type);
	}
	memset(longer, 'a', sizeof(longer));
	registry_media_type(span_of(longer, MEDIA_TYPE_SIZE_MAX), type);
	assert_string_equal("", type);
	registry_media_type(span_of(longer, MEDIA_TYPE_SIZE_MAX - 1), type);
	assert_int_equal(MEDIA_TYPE_SIZE_MAX - 1, strlen(type));
}

/* FIPS 180-2, appendix B.1 */
#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define NOT_ABC "sha256:ca7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void a_manifest_is_what_is_said_of_it(void **state)
{
	const struct span abc = SPAN_LITERAL("abc");
	struct digest right, wrong;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, oci_digest_parse(SPAN_LITERAL(ABC), &right));
	assert_int_equal(0, oci_digest_parse(SPAN_LITERAL(NOT_ABC), &wrong));
	assert_int_equal(0, registry_manifest_check(abc, SPAN_EMPTY, NULL, &why));
	assert_int_equal(0, registry_manifest_check(abc, SPAN_LITERAL(ABC), &right, &why));
	assert_int_equal(-EBADMSG,
			 registry_manifest_check(abc, SPAN_LITERAL(NOT_ABC), &right, &why));
	assert_non_null(strstr(why.text, "the registry says"));
	assert_int_equal(-EBADMSG, registry_manifest_check(abc, SPAN_LITERAL(ABC), &wrong, &why));
	assert_non_null(strstr(why.text, "asked for"));
	assert_int_equal(-EUCLEAN, registry_manifest_check(abc, SPAN_LITERAL("x"), NULL, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_told_in_one_printable_line),
		cmocka_unit_test(an_error_is_cut_where_it_is_long),
		cmocka_unit_test(a_media_type_has_no_parameters),
		cmocka_unit_test(a_manifest_is_what_is_said_of_it),
	};

	return cmocka_run_group_tests_name("oci/registry_answer", tests, NULL, NULL);
}
