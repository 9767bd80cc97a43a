/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "cli/duration.h"

static void reads_numbers_with_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} cases[] = {{"0", 0},       {"90", 90},      {"90s", 90},     {"15m", 900}, {"12h", 43200},
		     {"7d", 604800}, {"2w", 1209600}, {"1h30m", 5400}, {"1m1", 61}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t seconds = 12345;

		if (!duration_parse(cases[i].text, &seconds))
			fail_msg("%s", cases[i].text);
		assert_int_equal(cases[i].seconds, seconds);
	}
}

static void refuses_everything_else(void **state)
{
	static const char *const cases[] = {"",
					    "h",
					    "1x",
					    "-1",
					    " 1",
					    "1 ",
					    "1.5h",
					    "1hh",
					    "18446744073709551616",
					    "99999999999999999w"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t seconds = 12345;

		if (duration_parse(cases[i], &seconds))
			fail_msg("'%s'", cases[i]);
		assert_int_equal(12345, seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_numbers_with_units),
		cmocka_unit_test(refuses_everything_else),
	};

	return cmocka_run_group_tests_name("cli/duration", tests, NULL, NULL);
}
