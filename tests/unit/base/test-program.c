/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/program.h"

static void a_program_is_in_one_of_the_folders(void **state)
{
	(void)state;
	assert_int_equal(0, setenv("PATH", ":/nowhere::/bin:", 1));
	assert_int_equal(0, program_find("sh"));
	assert_int_equal(-ENOENT, program_find("no-such-program"));
	assert_int_equal(0, setenv("PATH", "/nowhere", 1));
	assert_int_equal(-ENOENT, program_find("sh"));
	assert_int_equal(0, setenv("PATH", "", 1));
	assert_int_equal(-ENOENT, program_find("sh"));
}

static void what_cannot_be_run_is_none(void **state)
{
	(void)state;
	assert_int_equal(0, setenv("PATH", "/etc", 1));
	assert_int_equal(-ENOENT, program_find("passwd"));
}

static void without_a_path_there_is_a_default(void **state)
{
	(void)state;
	assert_int_equal(0, unsetenv("PATH"));
	assert_int_equal(0, program_find("sh"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_is_in_one_of_the_folders),
		cmocka_unit_test(what_cannot_be_run_is_none),
		cmocka_unit_test(without_a_path_there_is_a_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
