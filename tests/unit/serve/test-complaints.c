/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "serve/complaints.h"

static void each_is_first_once_until_there_are_too_many(void **state)
{
	static struct complaints complaints;

	(void)state;
	for (uint64_t nodeid = 1; nodeid <= COMPLAINTS_MAX; nodeid++) {
		assert_true(complaints_first(&complaints, nodeid));
		assert_false(complaints_first(&complaints, nodeid));
	}
	assert_false(complaints_first(&complaints, 1));
	assert_false(complaints_first(&complaints, COMPLAINTS_MAX + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_first_once_until_there_are_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
