/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/diag.h"

static void says_why_and_returns_the_error(void **state)
{
	struct diag why = {0};

	(void)state;
	assert_int_equal(-EUCLEAN, diag_set(&why, -EUCLEAN, "magic is %#x", 0x12u));
	assert_string_equal("magic is 0x12", why.text);
	assert_int_equal(-EUCLEAN, diag_wrap(&why, -EUCLEAN, "image '%s'", "a"));
	assert_string_equal("image 'a': magic is 0x12", diag_text(&why, -EUCLEAN));
}

static void falls_back_to_the_text_of_errno(void **state)
{
	struct diag why = {0}, other = {0};

	(void)state;
	assert_int_equal(-ENOENT, diag_wrap(&why, -ENOENT, "open 'x'"));
	assert_string_equal("open 'x': No such file or directory", why.text);
	assert_string_equal("Permission denied", diag_text(&other, -EACCES));
	other = (struct diag){0};
	assert_int_equal(-EIO, diag_errno(&other, -EIO, "read"));
	assert_string_equal("read: Input/output error", other.text);
}

static void takes_null_and_cuts_long_text(void **state)
{
	struct diag why = {0};
	char longer[2000];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(-EIO, diag_set(NULL, -EIO, "%s", longer));
	assert_int_equal(-EIO, diag_wrap(NULL, -EIO, "%s", longer));
	assert_int_equal(-EIO, diag_set(&why, -EIO, "%s", longer));
	assert_int_equal(sizeof(why.text) - 1, strlen(why.text));
	assert_int_equal(-EIO, diag_wrap(&why, -EIO, "head"));
	assert_int_equal(sizeof(why.text) - 1, strlen(why.text));
	assert_memory_equal("head: xxx", why.text, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_why_and_returns_the_error),
		cmocka_unit_test(falls_back_to_the_text_of_errno),
		cmocka_unit_test(takes_null_and_cuts_long_text),
	};

	return cmocka_run_group_tests_name("base/diag", tests, NULL, NULL);
}
