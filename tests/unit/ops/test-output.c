/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "ops/output.h"

static char folder[] = "/tmp/lamina-output.XXXXXX";

static int enter_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
	(void)state;
	(void)unlink("file");
	return chdir("/") == 0 ? rmdir(folder) : -1;
}

static size_t entries(void)
{
	DIR *dir = opendir(".");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count - 2;
}

static void write_file(const char *text, bool commit)
{
	CLEAN(output_release) struct output output = OUTPUT_EMPTY;
	struct diag why = {0};

	assert_ok(output_open("file", &output, &why), &why);
	assert_ok(output_write(&output, span_of_string(text), &why), &why);
	if (commit)
		assert_ok(output_commit(&output, &why), &why);
}

static void assert_content(const char *text)
{
	CLEAN(fd_closep) int fd = openat(AT_FDCWD, "file", O_RDONLY | O_CLOEXEC);
	char got[64] = "";

	assert_true(fd >= 0);
	assert_int_equal(strlen(text), fd_read(fd, got, sizeof(got)));
	assert_memory_equal(text, got, strlen(text));
}

static void appears_whole_at_the_commit(void **state)
{
	(void)state;
	write_file("first", false);
	assert_int_equal(0, entries());
	write_file("second", true);
	assert_content("second");
	assert_int_equal(1, entries());
}

static void replaces_what_was_there_or_leaves_it(void **state)
{
	(void)state;
	write_file("old", true);
	write_file("dropped", false);
	assert_content("old");
	write_file("new", true);
	assert_content("new");
	assert_int_equal(1, entries());
}

static void writes_into_what_is_no_regular_file(void **state)
{
	CLEAN(output_release) struct output output = OUTPUT_EMPTY;
	struct diag why = {0};

	(void)state;
	assert_ok(output_open("/dev/null", &output, &why), &why);
	assert_ok(output_write(&output, SPAN_LITERAL("x"), &why), &why);
	assert_ok(output_commit(&output, &why), &why);
	output_release(&output);
	assert_ok(output_open("/dev/full", &output, &why), &why);
	assert_int_equal(-ENOSPC, output_write(&output, SPAN_LITERAL("x"), &why));
}

static void refuses_a_directory_and_a_missing_one(void **state)
{
	CLEAN(output_release) struct output output = OUTPUT_EMPTY;

	(void)state;
	assert_int_equal(-EISDIR, output_open(".", &output, NULL));
	assert_int_equal(-EISDIR, output_open("none/", &output, NULL));
	assert_int_equal(-ENOENT, output_open("none/file", &output, NULL));
	assert_int_equal(-1, output.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appears_whole_at_the_commit),
		cmocka_unit_test(replaces_what_was_there_or_leaves_it),
		cmocka_unit_test(writes_into_what_is_no_regular_file),
		cmocka_unit_test(refuses_a_directory_and_a_missing_one),
	};

	return cmocka_run_group_tests_name("ops/output", tests, enter_folder, leave_folder);
}
