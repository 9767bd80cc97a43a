/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "mount/userns.h"

static void maps_cover_what_they_name(void **state)
{
	static const struct {
		const char *map;
		uint32_t id;
		bool covered;
	} cases[] = {
		{"         0       1000          1\n", 0, true},
		{"         0       1000          1\n", 1, false},
		{"         0       1000          1\n", 1000, false},
		{"0 0 4294967295\n", 4294967294, true},
		{"0 0 4294967295\n", 4294967295, false},
		{"0 1000 1\n1 100000 65536\n", 65536, true},
		{"0 1000 1\n1 100000 65536\n", 65537, false},
		{"0 1000 1\n1 100000 65536", 65536, true},
		{"", 0, false},
		{"\n", 0, false},
		{"0 1000", 0, false},
		{"x 0 1\n", 0, false},
		{"5 0 1 x\n0 0 1\n", 0, false},
		{"99999999999999999999 0 1\n", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cases[i].covered,
				 userns_map_covers(span_of_string(cases[i].map), cases[i].id));
}

static void body_root(void)
{
	struct diag why = {0};

	expect(userns_is_initial());
	expect_ok(userns_may_mount(&why), &why);
	expect(userns_has_uid(0) && userns_has_uid(TEST_UID) && userns_has_gid(TEST_UID));
	expect(userns_overflow_uid() > 0 && userns_overflow_gid() > 0);
}

static void knows_the_initial_namespace(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_root);
}

static void body_user(void)
{
	struct diag why = {0};

	expect(userns_is_initial());
	expect(userns_may_mount(&why) == -EPERM);
	expect_text(why.text, "CAP_SYS_ADMIN");
}

static void a_user_of_it_may_not_mount(void **state)
{
	(void)state;
	isolated(AS_USER, body_user);
}

static void body_entered(void)
{
	struct diag why = {0};

	expect(!userns_is_initial());
	expect_ok(userns_may_mount(&why), &why);
	expect(geteuid() == 0 && getegid() == 0);
	expect(userns_has_uid(0) && !userns_has_uid(1) && !userns_has_uid(TEST_UID));
	expect(userns_has_gid(0) && !userns_has_gid(1));
	expect(userns_overflow_uid() > 0);
}

static void whoever_enters_a_new_one_is_root_in_it(void **state)
{
	(void)state;
	isolated(AS_USER_IN_USERNS, body_entered);
}

static void *wait_for(void *semaphore)
{
	(void)sem_wait(semaphore);
	return NULL;
}

static void body_threads(void)
{
	struct diag why = {0};
	pthread_t thread;
	sem_t over;

	expect(sem_init(&over, 0, 0) == 0);
	expect(pthread_create(&thread, NULL, wait_for, &over) == 0);
	expect(userns_enter(&why) == -EINVAL);
	expect_text(why.text, "several threads");
	expect(sem_post(&over) == 0);
	expect(pthread_join(thread, NULL) == 0);
	expect(userns_is_initial());
}

static void refuses_to_enter_with_threads(void **state)
{
	(void)state;
	isolated(AS_USER, body_threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_cover_what_they_name),
		cmocka_unit_test(knows_the_initial_namespace),
		cmocka_unit_test(a_user_of_it_may_not_mount),
		cmocka_unit_test(whoever_enters_a_new_one_is_root_in_it),
		cmocka_unit_test(refuses_to_enter_with_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
