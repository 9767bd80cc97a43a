/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/diag.h"
#include "oci/credentials.h"

/* base64 of NAME:pw */
#define A "{\"auth\": \"YTpwdw==\"}"
#define B "{\"auth\": \"Yjpwdw==\"}"
#define C "{\"auth\": \"Yzpwdw==\"}"

static int find(const char *text, const char *registry, const char *repository,
		struct auth_entry *ret)
{
	struct diag why = {0};

	return auth_file_find(span_of_string(text), registry, repository, ret, &why);
}

/* user NULL: nothing is found; "-name": the helper name. */
static void assert_found(const char *text, const char *registry, const char *repository,
			 const char *user)
{
	struct auth_entry entry = {0};
	int r = find(text, registry, repository, &entry);

	if (r != (user != NULL))
		fail_msg("%s: %s/%s: %d", text, registry, repository, r);
	if (user && user[0] == '-')
		assert_string_equal(user + 1, entry.helper);
	else if (user) {
		assert_null(entry.helper);
		assert_string_equal(user, entry.credentials.username);
		assert_string_equal("pw", entry.credentials.password);
	}
	auth_entry_release(&entry);
}

static void the_longest_beginning_of_the_name_wins(void **state)
{
	static const char text[] =
		"{\"auths\": {\"h.io\": " A ", \"h.io/u\": " B ", \"h.io/u/x\": " C "}}";

	(void)state;
	assert_found(text, "h.io", "other", "a");
	assert_found(text, "h.io", "u", "b");
	assert_found(text, "h.io", "u/y/z", "b");
	assert_found(text, "h.io", "u/x", "c");
	assert_found(text, "h.io", "u/x/y", "c");
	assert_found(text, "h.io", "uu/x", "a");
	assert_found(text, "h.io:5000", "u", NULL);
	assert_found(text, "i.io", "u", NULL);
	assert_found("{\"auths\": {\"h.io/u\": " B "}}", "h.io", "v", NULL);
}

static void dockers_spellings_are_known(void **state)
{
	(void)state;
	assert_found("{\"auths\": {\"https://index.docker.io/v1/\": " A "}}", "docker.io",
		     "library/x", "a");
	assert_found("{\"auths\": {\"index.docker.io\": " A "}}", "docker.io", "library/x", "a");
	assert_found("{\"auths\": {\"https://h.io:5000/v1/\": " A "}}", "h.io:5000", "x", "a");
	assert_found("{\"auths\": {\"https://h.io.evil/v1/\": " A "}}", "h.io", "x", NULL);
	assert_found("{\"auths\": {\"https://h.io/v1/\": " A ", \"h.io\": " B "}}", "h.io", "x",
		     "b");
}

static void helpers_come_first_and_the_store_last(void **state)
{
	(void)state;
	assert_found("{\"credHelpers\": {\"h.io\": \"pass\"}, \"auths\": {\"h.io\": " A "}}",
		     "h.io", "x", "-pass");
	assert_found("{\"credsStore\": \"desktop\", \"auths\": {\"h.io\": " A "}}", "h.io", "x",
		     "a");
	assert_found("{\"credsStore\": \"desktop\", \"auths\": {\"h.io\": {}}}", "h.io", "x",
		     "-desktop");
	assert_found("{\"credsStore\": \"desktop\"}", "h.io", "x", "-desktop");
	assert_found("{\"credHelpers\": {\"i.io\": \"pass\"}}", "h.io", "x", NULL);
	assert_found("{\"auths\": {\"h.io\": {}}}", "h.io", "x", NULL);
	assert_found("{}", "h.io", "x", NULL);
	assert_found("", "h.io", "x", NULL);
}

static void an_identity_token_stands_in_for_a_password(void **state)
{
	struct auth_entry entry = {0};

	(void)state;
	assert_int_equal(1, find("{\"auths\": {\"h.io\": {\"identitytoken\": \"tok\"}}}", "h.io",
				 "x", &entry));
	assert_string_equal("tok", entry.credentials.identity_token);
	assert_null(entry.credentials.password);
	auth_entry_release(&entry);
}

static void what_is_malformed_is_refused_and_not_repeated(void **state)
{
	static const char *const bad[] = {
		"[]",
		"{",
		"{\"auths\": []}",
		"{\"auths\": {\"h.io\": []}}",
		"{\"auths\": {\"h.io\": \"secret\"}}",
		"{\"auths\": {\"h.io\": {\"auth\": \"secret\"}}}",
		"{\"auths\": {\"h.io\": {\"auth\": \"c2VjcmV0\"}}}", /* no colon */
		"{\"auths\": {\"h.io\": {\"auth\": \"YTpwAHc=\"}}}", /* a NUL inside */
		"{\"auths\": {\"h.io\": " A "}, \"auths\": {\"h.io\": " B "}}",
		"{\"credHelpers\": {\"h.io\": \"../secret\"}}",
		"{\"credHelpers\": {\"h.io\": \"\"}}",
		"{\"credHelpers\": {\"h.io\": 7}}",
		"{\"credsStore\": 7}",
		"{\"credsStore\": \"a secret\"}",
		"{\"a\": secret}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct auth_entry entry = {0};
		struct diag why = {0};
		int r = auth_file_find(span_of_string(bad[i]), "h.io", "x", &entry, &why);

		if (r != -EUCLEAN || !why.text[0] || strstr(why.text, "secret"))
			fail_msg("%s: %d %s", bad[i], r, why.text);
		assert_null(entry.helper);
		assert_true(credentials_are_empty(&entry.credentials));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_beginning_of_the_name_wins),
		cmocka_unit_test(dockers_spellings_are_known),
		cmocka_unit_test(helpers_come_first_and_the_store_last),
		cmocka_unit_test(an_identity_token_stands_in_for_a_password),
		cmocka_unit_test(what_is_malformed_is_refused_and_not_repeated),
	};

	return cmocka_run_group_tests_name("oci/auth_file", tests, NULL, NULL);
}
