/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolate.h"
#include "mount/own_namespace.h"

static char ours[4200], other[4200];

static bool is_mounted(const char *path)
{
	struct stat inner, outer;

	expect(stat(path, &inner) == 0 && stat(isolate_dir, &outer) == 0);
	return inner.st_dev != outer.st_dev;
}

/* In a child: the namespace of the body has to stay for its clean-up. */
static void enter_and_look(void)
{
	struct diag why = {0};

	expect_ok(own_namespace_enter(&why), &why);
	expect(!is_mounted(ours));
	expect(is_mounted(other));
	expect(access("/proc/self", F_OK) == 0);
	/* nothing that happens here is seen outside */
	expect(umount2(other, MNT_DETACH) == 0);
}

static void mounts_of_ours_are_left_behind(void)
{
	char options[9000];
	int status = -1;
	pid_t pid;

	(void)snprintf(ours, sizeof(ours), "%s/ours", isolate_dir);
	(void)snprintf(other, sizeof(other), "%s/other", isolate_dir);
	expect(mkdir(ours, 0755) == 0 && mkdir(other, 0755) == 0);
	expect(mount("tmpfs", other, "tmpfs", 0, NULL) == 0);
	(void)snprintf(options, sizeof(options), "lowerdir=%s:%s", other, isolate_dir);
	expect(mount("lamina:test", ours, "overlay", MS_RDONLY, options) == 0);
	pid = fork();
	expect(pid >= 0);
	if (pid == 0) {
		enter_and_look();
		_exit(0);
	}
	expect(waitpid(pid, &status, 0) == pid);
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	expect(is_mounted(ours) && is_mounted(other));
	expect(umount2(ours, 0) == 0 && umount2(other, 0) == 0);
}

static void a_copy_has_no_mounts_of_ours(void **state)
{
	(void)state;
	isolated(AS_ROOT, mounts_of_ours_are_left_behind);
}

static void refuse(void)
{
	struct diag why = {0};

	expect(own_namespace_enter(&why) == -EPERM);
}

static void an_unprivileged_user_stays_where_he_is(void **state)
{
	(void)state;
	isolated(AS_USER, refuse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_has_no_mounts_of_ours),
		cmocka_unit_test(an_unprivileged_user_stays_where_he_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
