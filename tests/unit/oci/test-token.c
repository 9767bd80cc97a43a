/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/diag.h"
#include "oci/credentials.h"
#include "oci/token.h"

static void a_token_has_a_lifetime_in_bounds(void **state)
{
	static const struct {
		const char *text;
		const char *token;
		uint32_t lifetime_s;
	} cases[] = {
		{"{\"token\": \"a.b-c\"}", "a.b-c", 60},
		{"{\"access_token\": \"x\", \"expires_in\": 300}", "x", 300},
		{"{\"token\": \"t\", \"access_token\": \"x\", \"expires_in\": 3}", "t", 60},
		{"{\"token\": \"\", \"access_token\": \"x\", \"expires_in\": -3}", "x", 60},
		{"{\"token\": \"t\", \"expires_in\": 9223372036854775807}", "t", 86400},
		{"{\"token\": \"t\", \"expires_in\": \"soon\"}", "t", 60},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct token token = {0};
		struct diag why = {0};

		assert_ok(token_parse(span_of_string(cases[i].text), &token, &why), &why);
		assert_string_equal(cases[i].token, token.text);
		assert_int_equal(cases[i].lifetime_s, token.lifetime_s);
		token_release(&token);
	}
}

static void what_would_break_a_header_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"token\": 7}",
		"{\"token\": \"\"}",
		"{\"token\": \"secret\\r\\nX: y\"}",
		"{\"token\": \"a secret\"}",
		"{\"token\": \"secret\\u00e9\"}",
		"{\"token\": \"secret\", \"token\": \"b\"}",
		"{\"token\": secret}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct token token = {0};
		struct diag why = {0};

		assert_int_equal(-EUCLEAN, token_parse(span_of_string(bad[i]), &token, &why));
		assert_true(why.text[0] && !strstr(why.text, "secret"));
		assert_null(token.text);
	}
}

/* RFC 7617, 2 */
static void basic_is_a_pair_in_base64(void **state)
{
	struct credentials credentials = {.username = (char *)"Aladdin",
					  .password = (char *)"open sesame"};
	char *value;

	(void)state;
	assert_int_equal(0, token_basic(&credentials, &value));
	assert_string_equal("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", value);
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_has_a_lifetime_in_bounds),
		cmocka_unit_test(what_would_break_a_header_is_refused),
		cmocka_unit_test(basic_is_a_pair_in_base64),
	};

	return cmocka_run_group_tests_name("oci/token", tests, NULL, NULL);
}
