/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/* What a library answers is for tests/e2e/unshare.bats, which can say where it is to be asked. */
#include "check.h"

#include "mount/subid_source.h"

static void only_another_source_than_the_files_is_the_librarys(void **state)
{
	static const struct {
		const char *text;
		bool is_library;
	} cases[] = {
		{"", false},
		{"\n\n", false},
		{"passwd: files systemd\n", false},
		{"subid: files\n", false},
		{"subid:files", false},
		{"subid:\n", false},
		{"subid: \t \n", false},
		{"#subid: sss\n", false},
		{" subid: sss\n", false},
		{"subids: sss\n", false},
		{"subid", false},
		{"subid: sss\n", true},
		{"subid:\tsss files", true},
		{"SubID: sss\n", true},
		{"passwd: files\nsubid: sss\nhosts: dns\n", true},
		/* the first that counts */
		{"subid:\nsubid: sss\n", true},
		{"subid: files\nsubid: sss\n", false},
		{"subid: files sss\n", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cases[i].is_library,
				 subid_source_is_library(span_of_string(cases[i].text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_another_source_than_the_files_is_the_librarys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
