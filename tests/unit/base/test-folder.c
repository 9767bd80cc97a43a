/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/folder.h"

static char place[] = "/tmp/lamina-folder-XXXXXX";
static int place_fd;

static int set_up(void **state)
{
	(void)state;
	memcpy(strrchr(place, '-') + 1, "XXXXXX", 6);
	if (!mkdtemp(place))
		return -1;
	place_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return place_fd < 0 || mkdirat(place_fd, "a", 0755) || symlinkat("a", place_fd, "b");
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlinkat(place_fd, "a", AT_REMOVEDIR);
	(void)unlinkat(place_fd, "b", 0);
	fd_closep(&place_fd);
	return rmdir(place);
}

/* "." and ".." among them. */
static int entry_count(DIR *folder)
{
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	return count;
}

static void each_reader_begins_at_the_first_entry(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		CLEAN(folder_closep) DIR *folder = folder_read(place_fd);

		assert_int_equal(4, entry_count(folder));
	}
	assert_true(fcntl(place_fd, F_GETFD) >= 0);
}

static void links_are_not_followed(void **state)
{
	CLEAN(folder_closep) DIR *folder = folder_read_at(place_fd, "a");

	(void)state;
	assert_int_equal(2, entry_count(folder));
	assert_null(folder_read_at(place_fd, "b"));
	assert_true(errno == ELOOP || errno == ENOTDIR);
	assert_null(folder_read_at(place_fd, "c"));
	assert_int_equal(ENOENT, errno);
}

static void a_descriptor_is_taken_unless_it_is_no_folder(void **state)
{
	CLEAN(fd_closep) int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEAN(folder_closep) DIR *folder = NULL;
	int fd = openat(place_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), none = -1;

	(void)state;
	folder = folder_read_taken(&fd);
	assert_int_equal(4, entry_count(folder));
	assert_int_equal(-1, fd);
	assert_null(folder_read_taken(&file));
	assert_true(file >= 0);
	assert_null(folder_read_taken(&none));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_reader_begins_at_the_first_entry),
		TEST(links_are_not_followed),
		TEST(a_descriptor_is_taken_unless_it_is_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
