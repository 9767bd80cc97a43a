/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "store/record.h"

static void ids_sort_by_time_and_differ(void **state)
{
	char first[RECORD_ID_SIZE], second[RECORD_ID_SIZE];

	(void)state;
	assert_int_equal(0, record_id_make(first));
	assert_int_equal(0, record_id_make(second));
	assert_true(record_id_is_valid(first));
	assert_true(strcmp(first, second) != 0);
	assert_true(strncmp(first, second, 16) <= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_sort_by_time_and_differ),
	};

	return cmocka_run_group_tests_name("store/record", tests, NULL, NULL);
}
