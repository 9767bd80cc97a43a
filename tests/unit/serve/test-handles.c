/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "serve/handles.h"

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

static void a_handle_names_its_descriptor_until_released(void **state)
{
	struct handles *handles;
	int fd = some_fd();
	uint64_t handle;

	(void)state;
	assert_int_equal(0, handles_new(&handles));
	assert_int_equal(0, handles_add(handles, fd, 9, &handle));
	assert_int_not_equal(HANDLE_NONE, handle);
	assert_int_equal(fd, handles_borrow(handles, handle, 9));
	handles_return(handles, fd);
	assert_true(is_open(fd));
	handles_release(handles, handle, 9);
	assert_false(is_open(fd));
	assert_int_equal(-ESTALE, handles_borrow(handles, handle, 9));
	handles_release(handles, handle, 9); /* once more does nothing */
	handles_free(handles);
}

static void a_borrowed_descriptor_outlives_its_handle(void **state)
{
	struct handles *handles;
	int fd = some_fd();
	uint64_t handle;

	(void)state;
	assert_int_equal(0, handles_new(&handles));
	assert_int_equal(0, handles_add(handles, fd, 9, &handle));
	assert_int_equal(fd, handles_borrow(handles, handle, 9));
	handles_release(handles, handle, 9);
	assert_true(is_open(fd));
	assert_int_equal(-ESTALE, handles_borrow(handles, handle, 9));
	handles_return(handles, fd);
	assert_false(is_open(fd));
	handles_free(handles);
}

static void numbers_from_elsewhere_name_nothing(void **state)
{
	struct handles *handles;
	int fd = some_fd();
	uint64_t handle;

	(void)state;
	assert_int_equal(0, handles_new(&handles));
	assert_int_equal(0, handles_add(handles, fd, 9, &handle));
	assert_int_equal(-ESTALE, handles_borrow(handles, handle, 8));
	assert_int_equal(-ESTALE, handles_borrow(handles, HANDLE_NONE, 9));
	assert_int_equal(-ESTALE, handles_borrow(handles, (uint64_t)fd | (uint64_t)1 << 63, 9));
	assert_int_equal(-ESTALE, handles_borrow(handles, UINT64_MAX, 9));
	handles_release(handles, handle, 8);
	handles_release(handles, handle ^ (uint64_t)1 << 40, 9);
	assert_true(is_open(fd));
	handles_free(handles); /* closes what is left */
	assert_false(is_open(fd));
}

static void a_stale_handle_is_told_from_its_successor(void **state)
{
	struct handles *handles;
	uint64_t first, second;
	int fd = some_fd(), again;

	(void)state;
	assert_int_equal(0, handles_new(&handles));
	assert_int_equal(0, handles_add(handles, fd, 9, &first));
	handles_release(handles, first, 9);
	again = some_fd();
	assert_int_equal(fd, again);
	assert_int_equal(0, handles_add(handles, again, 9, &second));
	assert_int_not_equal(first, second);
	assert_int_equal(-ESTALE, handles_borrow(handles, first, 9));
	assert_int_equal(again, handles_borrow(handles, second, 9));
	handles_return(handles, again);
	handles_free(handles);
}

static void a_descriptor_beyond_the_table_is_refused(void **state)
{
	struct handles *handles;
	uint64_t handle;

	(void)state;
	assert_int_equal(0, handles_new(&handles));
	assert_int_equal(-ENFILE, handles_add(handles, INT32_MAX, 9, &handle));
	handles_free(handles);
}

static void *open_and_release(void *argument)
{
	struct handles *handles = argument;

	for (uint64_t nodeid = 2; nodeid < 2000; nodeid++) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		uint64_t handle;

		if (fd < 0 || handles_add(handles, fd, nodeid, &handle) < 0 ||
		    handles_borrow(handles, handle, nodeid) != fd)
			return argument;
		handles_return(handles, fd);
		handles_release(handles, handle, nodeid);
	}
	return NULL;
}

static void threads_do_not_get_into_each_others_way(void **state)
{
	struct handles *handles;
	pthread_t threads[4];
	void *failed;

	(void)state;
	assert_int_equal(0, handles_new(&handles));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, open_and_release, handles));
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(0, pthread_join(threads[i], &failed));
		assert_null(failed);
	}
	handles_free(handles);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handle_names_its_descriptor_until_released),
		cmocka_unit_test(a_borrowed_descriptor_outlives_its_handle),
		cmocka_unit_test(numbers_from_elsewhere_name_nothing),
		cmocka_unit_test(a_stale_handle_is_told_from_its_successor),
		cmocka_unit_test(a_descriptor_beyond_the_table_is_refused),
		cmocka_unit_test(threads_do_not_get_into_each_others_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
