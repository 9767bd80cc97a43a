/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "isolate.h"
#include "mount/empty_root.h"

static size_t entries_of(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	expect(dir != NULL);
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

/* In a child: the body's own root has to stay for its clean-up. */
static void enter_and_look(void)
{
	struct diag why = {0};
	int fd = openat(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	int target = openat(AT_FDCWD, isolate_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[8];

	expect_ok(empty_root_enter(&why), &why);
	expect(entries_of("/") == 2); /* "." and ".." */
	expect(openat(AT_FDCWD, "/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0);
	expect(access("/proc", F_OK) < 0);
	/* Descriptors stay what they are. */
	expect(fd_read(fd, text, sizeof(text)) > 0);
	expect(faccessat(target, ".", R_OK, 0) == 0);
}

static void enter_in_a_child(void)
{
	int status = -1;
	pid_t pid = fork();

	expect(pid >= 0);
	if (pid == 0) {
		enter_and_look();
		_exit(0);
	}
	expect(waitpid(pid, &status, 0) == pid);
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	expect(access("/proc/self", F_OK) == 0);
}

static void root_sees_nothing_any_more(void **state)
{
	(void)state;
	isolated(AS_ROOT, enter_in_a_child);
}

static void root_of_a_user_namespace_too(void **state)
{
	(void)state;
	isolated(AS_USER_IN_USERNS, enter_in_a_child);
}

static void refuse(void)
{
	struct diag why = {0};

	expect(empty_root_enter(&why) == -EPERM);
	expect(access("/proc/self", F_OK) == 0);
}

static void an_unprivileged_user_stays_where_he_is(void **state)
{
	(void)state;
	isolated(AS_USER, refuse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_sees_nothing_any_more),
		cmocka_unit_test(root_of_a_user_namespace_too),
		cmocka_unit_test(an_unprivileged_user_stays_where_he_is),
	};

	return cmocka_run_group_tests_name("mount/empty_root", tests, NULL, NULL);
}
