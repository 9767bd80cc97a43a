/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <fcntl.h>
#include <unistd.h>

#include "serve/recent.h"

static int some_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void what_was_put_is_taken_once(void **state)
{
	struct recent recent = {0};
	int first = some_fd(), second = some_fd(), taken[2];

	(void)state;
	assert_int_equal(-1, recent_take(&recent, 7));
	recent_put(&recent, 7, first);
	recent_put(&recent, 7, second); /* two readers of one file */
	assert_int_equal(-1, recent_take(&recent, 8));
	taken[0] = recent_take(&recent, 7);
	taken[1] = recent_take(&recent, 7);
	assert_int_equal(first + second, taken[0] + taken[1]);
	assert_int_not_equal(taken[0], taken[1]);
	assert_int_equal(-1, recent_take(&recent, 7));
	(void)close(first);
	(void)close(second);
}

static void few_are_kept_and_none_is_lost(void **state)
{
	struct recent recent = {0};
	int fds[1000], open_count = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		fds[i] = some_fd();
		recent_put(&recent, 100 + (uint64_t)i, fds[i]);
	}
	/* Numbers of those that gave way were used again, so what counts is how many there are. */
	for (int fd = 3; fd < 1100; fd++)
		open_count += is_open(fd);
	assert_true(open_count >= RECENT_SETS * RECENT_WAYS);
	assert_true(open_count <= RECENT_SETS * RECENT_WAYS + 16); /* and the test's own */
	recent_close(&recent);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(-1, recent_take(&recent, 100 + i));
}

static void a_nodeid_too_large_to_remember_is_just_closed(void **state)
{
	struct recent recent = {0};
	int fd = some_fd();

	(void)state;
	recent_put(&recent, UINT64_MAX - 3, fd);
	assert_false(is_open(fd));
	assert_int_equal(-1, recent_take(&recent, UINT64_MAX - 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_taken_once),
		cmocka_unit_test(few_are_kept_and_none_is_lost),
		cmocka_unit_test(a_nodeid_too_large_to_remember_is_just_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
