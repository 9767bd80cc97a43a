/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/utf8.h"

static void takes_characters_of_every_length(void **state)
{
	(void)state;
	assert_true(utf8_is_valid(SPAN_EMPTY));
	assert_true(
		utf8_is_valid(SPAN_LITERAL("a\0\x7f \xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf "
					   "\xee\x80\x80 \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf")));
	assert_int_equal(3, utf8_size(SPAN_LITERAL("\xe2\x82\xac rest")));
}

static void refuses_what_rfc_3629_does(void **state)
{
	static const char *const cases[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2 ",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xe2\x82",
		"\xe2\x82 ",
		"\xf0\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5",
		"\xff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (utf8_size(span_of_string(cases[i])) != 0)
			fail_msg("case %zu", i);
		assert_false(utf8_is_valid(span_of_string(cases[i])));
	}
	assert_false(utf8_is_valid(SPAN_LITERAL("good, then \xff")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_characters_of_every_length),
		cmocka_unit_test(refuses_what_rfc_3629_does),
	};

	return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
