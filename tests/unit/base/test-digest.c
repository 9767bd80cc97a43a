/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/digest.h"

#define HEX_32 "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"

static void reads_and_prints_both_sizes(void **state)
{
	char text[DIGEST_HEX_SIZE_MAX];
	struct digest digest;

	(void)state;
	assert_int_equal(0, digest_parse(SPAN_LITERAL(HEX_32), &digest));
	assert_int_equal(DIGEST_SHA256, digest.algorithm);
	assert_string_equal(HEX_32, digest_hex(&digest, text));
	assert_int_equal(0, digest_parse(SPAN_LITERAL("sha512:" HEX_32 HEX_32), &digest));
	assert_int_equal(DIGEST_SHA512, digest.algorithm);
	assert_string_equal(HEX_32 HEX_32, digest_hex(&digest, text));
}

static void reads_capital_digits(void **state)
{
	struct digest lower, upper;

	(void)state;
	assert_int_equal(0, digest_parse(SPAN_LITERAL(HEX_32), &lower));
	assert_int_equal(0, digest_parse(SPAN_LITERAL("sha256:"
						      "3D248CA542A24FC62D1C43B916EAE501"
						      "6878E2533C88238480B26128A1F1AF95"),
					 &upper));
	assert_true(digest_equal(&lower, &upper));
}

static void refuses_what_is_no_digest(void **state)
{
	static const char *const texts[] = {
		"",
		"3d",
		HEX_32 "0",
		"sha512:" HEX_32,
		"md5:" HEX_32,
		"sha256:",
		"gd248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95",
	};
	struct digest digest;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(-EINVAL, digest_parse(span_of_string(texts[i]), &digest));
}

static void names_the_place_of_an_object(void **state)
{
	char path[DIGEST_PATH_SIZE_MAX];
	struct digest digest;

	(void)state;
	assert_int_equal(0, digest_parse(SPAN_LITERAL(HEX_32), &digest));
	assert_string_equal("3d/248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95",
			    digest_path(&digest, path));
}

static void reads_the_place_of_an_object(void **state)
{
	static const char rest[] = "cdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";
	static const struct {
		const char *before;
		int err;
	} cases[] = {{"ab/", 0},
		     {"../objects/ab/", 0},
		     {"/ab/", 0},
		     {"", -EINVAL},
		     {"/", -EINVAL},
		     {"b/", -EINVAL},
		     {"xab/", -EINVAL},
		     {"../ab", -EINVAL},
		     {"zz/", -EINVAL},
		     {"AB/", -EINVAL},
		     {"ab//", -EINVAL},
		     {"ab/0", -EINVAL},
		     {"sha256:ab/", -EINVAL}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct digest digest;
		char text[256], place[DIGEST_PATH_SIZE_MAX];

		(void)snprintf(text, sizeof(text), "%s%s", cases[i].before, rest);
		if (digest_parse_path(span_of_string(text), &digest) != cases[i].err)
			fail_msg("%s", text);
		if (cases[i].err == 0)
			assert_string_equal(rest, digest_path(&digest, place) + 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_prints_both_sizes),
		cmocka_unit_test(reads_capital_digits),
		cmocka_unit_test(refuses_what_is_no_digest),
		cmocka_unit_test(names_the_place_of_an_object),
		cmocka_unit_test(reads_the_place_of_an_object),
	};

	return cmocka_run_group_tests_name("base/digest", tests, NULL, NULL);
}
