/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "mount/path.h"

static void paths_fork_at_their_deepest_common_directory(void **state)
{
	static const struct {
		const char *a, *b;
		bool forks;
		size_t common;
	} cases[] = {
		{"/a/b/upper", "/a/b/work", true, 4},
		{"/upper", "/work", true, 0},
		{"/a/b", "/a/bc", true, 2},
		{"/a/bc", "/a/b", true, 2},
		{"/a/bx/u", "/a/by/u", true, 2},
		{"/a/u/x/y", "/a/w", true, 2},
		{"/ab", "/ac", true, 0},
		{"/a/b", "/a/b", false, 0},
		{"/a/b", "/a/b/c", false, 0},
		{"/a/b/c", "/a/b", false, 0},
		{"/", "/a", false, 0},
		{"/a", "/", false, 0},
		{"/", "/", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t common = 0;

		assert_int_equal(cases[i].forks, paths_fork(cases[i].a, cases[i].b, &common));
		assert_int_equal(cases[i].common, common);
	}
}

static void body_location(void)
{
	CLEAN(memory_freep) char *location = NULL;
	struct diag why = {0};
	int fd;

	expect(chdir(isolate_dir) == 0 && mkdir("one", 0755) == 0);
	fd = open("one", O_PATH | O_CLOEXEC);
	expect(fd >= 0 && rename("one", "two") == 0);
	expect_ok(fd_location(fd, &location, &why), &why);
	expect_text(location, "/mnt/test/two");
	fd_close(fd);
	memory_freep(&location);
	location = NULL;
	fd = tmpfs_make();
	expect_ok(fd_location(fd, &location, &why), &why); /* detached: its own root */
	expect_text(location, "/");
	fd_close(fd);
}

static void a_location_follows_the_directory(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_location);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_fork_at_their_deepest_common_directory),
		cmocka_unit_test(a_location_follows_the_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
