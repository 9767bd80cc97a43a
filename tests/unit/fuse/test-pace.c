/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <unistd.h>

#include "fuse/pace.h"

static void a_window_is_full_after_so_many_requests(void **state)
{
	struct pace_window window;
	struct pace pace = {0};

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 1; i < PACE_WINDOW; i++)
			assert_false(pace_count(&pace, 1, &window));
		assert_true(pace_count(&pace, 1, &window));
	}
	assert_true(window.period_ns > 0 || window.is_burst);
	assert_true(pace_count(&pace, PACE_WINDOW + 5, &window)); /* many at once, too */
	assert_false(pace_count(&pace, PACE_WINDOW - 1, &window));
}

static void the_first_window_and_slow_ones_are_no_burst(void **state)
{
	struct pace_window window;
	struct pace pace = {0};

	(void)state;
	assert_true(pace_count(&pace, PACE_WINDOW, &window));
	assert_false(window.is_burst);
	(void)usleep(PACE_WINDOW * PACE_BURST_NS / 1000 + 1000);
	assert_true(pace_count(&pace, PACE_WINDOW, &window));
	assert_false(window.is_burst);
	assert_false(window.is_saturated);
	assert_true(window.period_ns >= PACE_BURST_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_is_full_after_so_many_requests),
		cmocka_unit_test(the_first_window_and_slow_ones_are_no_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
