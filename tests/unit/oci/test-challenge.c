/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "oci/challenge.h"

#define DOCKER                                                              \
	"Bearer realm=\"https://auth.docker.io/token\",service=\"registry." \
	"docker.io\",scope=\"repository:library/ubuntu:pull\""

static void a_challenge_is_found_with_its_parameters(void **state)
{
	static const struct {
		const char *value;
		const char *scheme;
		const char *realm;
		const char *service;
	} cases[] = {
		{DOCKER, "Bearer", "https://auth.docker.io/token", "registry.docker.io"},
		{"bearer REALM=a", "Bearer", "a", NULL},
		{"Basic realm=\"x, Bearer realm=y\"", "Basic", "x, Bearer realm=y", NULL},
		{"Basic realm=\"a\\\"b\\\\\"", "Basic", "a\"b\\", NULL},
		{"Basic realm=a, Bearer realm=b, service=c", "Bearer", "b", "c"},
		{"Basic realm=a, Bearer realm=b, service=c", "Basic", "a", NULL},
		{"Negotiate, Basic realm=a", "Basic", "a", NULL},
		{"Negotiate abc/+==, Basic realm=a", "Basic", "a", NULL},
		{", ,Basic", "Basic", NULL, NULL},
		{"Basic", "Basic", NULL, NULL},
		{"Basic \t", "Basic", NULL, NULL},
		{"Bearer realm = \"a\" , service= b", "Bearer", "a", "b"},
		{"Bearer realm=\"\"", "Bearer", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct challenge challenge = {0};
		int r = challenge_find(span_of_string(cases[i].value), cases[i].scheme, &challenge);

		if (r != 0)
			fail_msg("%s: %d", cases[i].value, r);
		if (!challenge.realm != !cases[i].realm || !challenge.service != !cases[i].service)
			fail_msg("%s", cases[i].value);
		if (cases[i].realm)
			assert_string_equal(cases[i].realm, challenge.realm);
		if (cases[i].service)
			assert_string_equal(cases[i].service, challenge.service);
		challenge_release(&challenge);
	}
}

static void all_that_docker_says_is_kept(void **state)
{
	struct challenge challenge;

	(void)state;
	assert_int_equal(0, challenge_find(SPAN_LITERAL(DOCKER ",error=\"invalid_token\""),
					   "Bearer", &challenge));
	assert_string_equal("repository:library/ubuntu:pull", challenge.scope);
	assert_string_equal("invalid_token", challenge.error);
	challenge_release(&challenge);
}

static void what_is_no_list_of_challenges_is_refused(void **state)
{
	static const char *const bad[] = {
		"Bearer realm=\"a",
		"Bearer realm=\"a\\",
		"Bearer realm=\"a\nb\"",
		"Bearer realm=a, realm=b",
		"Bearer realm=\"a\" service=\"b\"",
		"=a",
		"\"a\"",
		"Bearer=a",
		"Bearer realm=\"a\"x",
	};
	struct challenge challenge = {.realm = (char *)"untouched"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int r = challenge_find(span_of_string(bad[i]), "Bearer", &challenge);

		if (r != -EUCLEAN)
			fail_msg("%s: %d", bad[i], r);
		assert_string_equal("untouched", challenge.realm);
	}
	assert_int_equal(-ENOENT, challenge_find(SPAN_EMPTY, "Bearer", &challenge));
	assert_int_equal(-ENOENT, challenge_find(SPAN_LITERAL("Basic"), "Bearer", &challenge));
	assert_int_equal(-ENOENT, challenge_find(SPAN_LITERAL("Bearerx"), "Bearer", &challenge));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_challenge_is_found_with_its_parameters),
		cmocka_unit_test(all_that_docker_says_is_kept),
		cmocka_unit_test(what_is_no_list_of_challenges_is_refused),
	};

	return cmocka_run_group_tests_name("oci/challenge", tests, NULL, NULL);
}
