/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "lazy_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

static int count_one(void *context, const struct digest *manifest, struct diag *why)
{
	(void)manifest;
	(void)why;
	(*(int *)context)++;
	return 0;
}

static int count_of(const struct fixture *fixture)
{
	int count = 0;

	assert_int_equal(0, lazies_each(fixture->store, count_one, &count, NULL));
	return count;
}

static void a_folder_is_there_once_it_is_whole(void **state)
{
	const struct fixture *fixture = *state;
	struct diag why = {0};
	char text[4] = "";
	int fd, file;

	assert_int_equal(0, count_of(fixture));
	folder_make(fixture, &fixture->first, "one");
	/* the one that was there first stays */
	folder_make(fixture, &fixture->first, "two");
	folder_make(fixture, &fixture->second, "three");
	assert_int_equal(2, count_of(fixture));
	fd = lazy_folder_open(fixture->store, &fixture->first, &why);
	assert_true(fd >= 0);
	file = openat(fd, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(3, fd_read(file, text, 3));
	assert_string_equal("one", text);
	fd_close(file);
	fd_close(fd);
}

static void a_folder_that_is_used_stays(void **state)
{
	const struct fixture *fixture = *state;
	struct diag why = {0};
	int fd;

	folder_make(fixture, &fixture->first, "two");
	assert_int_equal(1, lazy_folder_is_idle(fixture->store, &fixture->first, &why));
	fd = lazy_folder_open(fixture->store, &fixture->first, &why);
	assert_true(fd >= 0);
	assert_int_equal(0, lazy_folder_is_idle(fixture->store, &fixture->first, &why));
	assert_int_equal(-EBUSY, lazy_folder_remove(fixture->store, &fixture->first, &why));
	fd_close(fd);
	assert_ok(lazy_folder_remove(fixture->store, &fixture->first, &why), &why);
	assert_int_equal(-ENOENT, lazy_folder_is_idle(fixture->store, &fixture->first, &why));
	assert_int_equal(-ENOENT, lazy_folder_open(fixture->store, &fixture->first, &why));
	assert_int_equal(0, lazy_folder_remove(fixture->store, &fixture->first, &why));
}

static void what_a_folder_takes_is_its_own_files(void **state)
{
	const struct fixture *fixture = *state;
	struct lazy_size before = {0}, size = {0};
	struct diag why = {0};
	int fd;

	assert_int_equal(-ENOENT,
			 lazy_folder_measure(fixture->store, &fixture->first, &size, &why));
	folder_make(fixture, &fixture->first, "one");
	assert_ok(lazy_folder_measure(fixture->store, &fixture->first, &before, &why), &why);
	assert_true(before.count >= 1 && before.bytes >= 3);
	/* a name more of what has one already, as of an object, takes nothing */
	fd = lazy_folder_open(fixture->store, &fixture->first, &why);
	assert_true(fd >= 0);
	assert_int_equal(0, linkat(fd, "file", fd, "again", 0));
	fd_close(fd);
	assert_ok(lazy_folder_measure(fixture->store, &fixture->first, &size, &why), &why);
	assert_int_equal(before.count - 1, size.count);
	assert_int_equal(before.bytes - 3, size.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_folder_is_there_once_it_is_whole, make, unmake),
		cmocka_unit_test_setup_teardown(a_folder_that_is_used_stays, make, unmake),
		cmocka_unit_test_setup_teardown(what_a_folder_takes_is_its_own_files, make, unmake),
	};

	return cmocka_run_group_tests_name("store/lazies", tests, NULL, NULL);
}
