/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <zlib.h>

#include "base/diag.h"
#include "base/library.h"

static struct {
	__typeof__(crc32) *crc;
	void (*other)(void);
} found;

static int start_count;

static int start(struct diag *why)
{
	(void)why;
	start_count++;
	return 0;
}

static int refuse(struct diag *why)
{
	return diag_set(why, -ENODEV, "it does not start");
}

static const struct library_symbol symbols[] = {{"crc32", &found.crc}};
static const struct library_symbol too_many[] = {{"crc32", &found.crc},
						 {"no_such_function", &found.other}};

static void is_loaded_and_started_once(void **state)
{
	struct library library = {LIBRARY("libz.so.1", symbols), .start = start};
	struct diag why = {0};

	(void)state;
	assert_ok(library_want(&library, &why), &why);
	assert_ok(library_want(&library, &why), &why);
	assert_int_equal(1, start_count);
	assert_int_equal(0xcbf43926, found.crc(0, (const Bytef *)"123456789", 9));
}

static void an_older_one_will_do(void **state)
{
	struct library library = {LIBRARY("libz.so.1000", symbols), .older_file = "libz.so.1"};
	struct diag why = {0};

	(void)state;
	assert_ok(library_want(&library, &why), &why);
}

static void assert_fails(struct library *library, int err, const char *text)
{
	for (int i = 0; i < 2; i++) {
		struct diag why = {0};

		assert_int_equal(err, library_want(library, &why));
		if (!strstr(why.text, text))
			fail_msg("'%s' says no '%s'", why.text, text);
	}
}

static void says_what_is_missing_each_time(void **state)
{
	struct library absent = {LIBRARY("libabsent.so.1", symbols)};
	struct library both = {LIBRARY("libabsent.so.2", symbols), .older_file = "libabsent.so.1"};
	struct library incomplete = {LIBRARY("libz.so.1", too_many)};
	struct library failing = {LIBRARY("libz.so.1", symbols), .start = refuse};

	(void)state;
	assert_fails(&absent, -EOPNOTSUPP, "libabsent.so.1");
	assert_fails(&both, -EOPNOTSUPP, "libabsent.so.1");
	assert_fails(&incomplete, -EOPNOTSUPP, "no_such_function");
	assert_fails(&failing, -ENODEV, "it does not start");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_loaded_and_started_once),
		cmocka_unit_test(an_older_one_will_do),
		cmocka_unit_test(says_what_is_missing_each_time),
	};

	return cmocka_run_group_tests_name("base/library", tests, NULL, NULL);
}
