/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "mount/attach.h"
#include "mount/mountinfo.h"
#include "mount/userns.h"

static const struct mount_detach_options foreign = {.foreign = true};

/* A tmpfs attached to path, which is a new directory. */
static void tmpfs_attach(const char *path)
{
	struct diag why = {0};
	int fd = tmpfs_make(), target;

	expect(mkdir(path, 0755) == 0 || errno == EEXIST);
	target = expect_ok(mount_target_open(path, &why), &why);
	expect_ok(mount_attach(fd, target, &why), &why);
	fd_close(target);
	fd_close(fd);
}

static void body_round(void)
{
	struct diag why = {0};

	tmpfs_attach("/tmp/a");
	file_make(AT_FDCWD, "/tmp/a/inside", "x");
	expect_ok(mount_detach("/tmp/a", &foreign, &why), &why);
	expect(access("/tmp/a/inside", F_OK) < 0);
	expect(mount_detach("/tmp/a", &foreign, &why) == -EINVAL);
	expect_text(why.text, "not a mount point");
	expect(rmdir("/tmp/a") == 0);
}

static void attaches_and_detaches(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_round);
	isolated(AS_USER_IN_USERNS, body_round);
}

static void body_target_is_meant_by_descriptor(void)
{
	struct diag why = {0};
	int fd = tmpfs_make(), target;

	expect(mkdir("/tmp/a", 0755) == 0 && mkdir("/tmp/b", 0755) == 0);
	target = expect_ok(mount_target_open("/tmp/a", &why), &why);
	/* Somebody exchanges the name for a link. */
	expect(rename("/tmp/a", "/tmp/c") == 0 && symlink("b", "/tmp/a") == 0);
	expect_ok(mount_attach(fd, target, &why), &why);
	fd_close(target);
	fd_close(fd);
	expect(mount_detach("/tmp/b", &foreign, &why) == -EINVAL);
	expect_ok(mount_detach("/tmp/c", &foreign, &why), &why);
	expect(unlink("/tmp/a") == 0 && rmdir("/tmp/b") == 0 && rmdir("/tmp/c") == 0);
}

static void a_target_is_not_exchanged_under_us(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_target_is_meant_by_descriptor);
}

static void body_targets(void)
{
	struct diag why = {0};

	file_make(AT_FDCWD, "/tmp/file", "");
	expect(mount_target_open("/tmp/file", &why) == -ENOTDIR);
	expect_text(why.text, "not a directory");
	expect(mount_target_open("/tmp/missing", &why) == -ENOENT);
	expect(unlink("/tmp/file") == 0);
}

static void a_target_is_a_directory(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_targets);
}

static void body_foreign(void)
{
	struct diag why = {0};

	tmpfs_attach("/tmp/a");
	expect(mount_detach("/tmp/a", &(struct mount_detach_options){0}, &why) == -EPERM);
	expect_text(why.text, "tmpfs");
	expect_text(why.text, "not one of lamina");
	expect_ok(mount_detach("/tmp/a", &foreign, &why), &why);
	expect(rmdir("/tmp/a") == 0);
	expect(mount_detach("/proc", &(struct mount_detach_options){0}, &why) == -EPERM);
	expect(mount_detach("/", &foreign, &why) == -EINVAL);
	expect(mount_detach("/missing", &foreign, &why) == -ENOENT);
}

static void leaves_foreign_mounts_alone_unless_told(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_foreign);
}

static void body_below(void)
{
	struct diag why = {0};

	tmpfs_attach("/tmp/a");
	expect(mkdir("/tmp/a/below", 0755) == 0);
	expect(mount_detach("/tmp/a/below", &foreign, &why) == -EINVAL);
	expect_ok(mount_detach("/tmp/a", &foreign, &why), &why);
	expect(rmdir("/tmp/a") == 0);
}

static void a_directory_of_a_mount_is_no_mount_point(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_below);
}

static void body_busy(void)
{
	struct diag why = {0};
	int inside;

	tmpfs_attach("/tmp/a");
	inside = open("/tmp/a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect(mount_detach("/tmp/a", &foreign, &why) == -EBUSY);
	expect_text(why.text, "in use");
	expect_ok(mount_detach("/tmp/a",
			       &(struct mount_detach_options){.foreign = true, .lazy = true}, &why),
		  &why);
	fd_close(inside);
	expect(rmdir("/tmp/a") == 0);
}

static void says_when_a_mount_is_in_use(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_busy);
}

static void body_stack(void)
{
	struct diag why = {0};

	tmpfs_attach("/tmp/a");
	file_make(AT_FDCWD, "/tmp/a/first", "1");
	tmpfs_attach("/tmp/a");
	file_make(AT_FDCWD, "/tmp/a/second", "2");
	expect_ok(mount_detach("/tmp/a", &foreign, &why), &why);
	file_expect(AT_FDCWD, "/tmp/a/first", "1");
	expect(access("/tmp/a/second", F_OK) < 0);
	expect_ok(mount_detach("/tmp/a", &foreign, &why), &why);
	expect(rmdir("/tmp/a") == 0);
}

static void takes_the_topmost_of_a_stack(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_stack);
}

static void body_names(void)
{
	static const char *const names[] = {"/tmp/a b", "/tmp/new\nline", "/tmp/back\\040slash",
					    "/tmp/#", "/tmp/\xff\x01"};
	struct diag why = {0};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		tmpfs_attach(names[i]);
		expect_ok(mount_detach(names[i], &foreign, &why), &why);
		expect(rmdir(names[i]) == 0);
	}
	/* By way of a link, and relative. */
	tmpfs_attach("/tmp/a");
	expect(symlink("a", "/tmp/link") == 0);
	expect_ok(mount_detach("/tmp/link", &foreign, &why), &why);
	tmpfs_attach("/tmp/a");
	expect(chdir("/tmp") == 0);
	expect_ok(mount_detach("./a/", &foreign, &why), &why);
	expect(chdir("/") == 0 && unlink("/tmp/link") == 0 && rmdir("/tmp/a") == 0);
}

static void finds_mount_points_of_any_name(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_names);
}

static void body_locked(void)
{
	struct diag why = {0};

	expect(mount_detach("/tmp", &foreign, &why) == -EINVAL);
	expect_text(why.text, "locked");
}

static void says_when_a_mount_is_locked(void **state)
{
	(void)state;
	isolated(AS_USER_IN_USERNS, body_locked);
}

static void body_unprivileged(void)
{
	struct diag why = {0};

	expect(mount_detach("/tmp", &foreign, &why) == -EPERM);
	expect_text(why.text, "CAP_SYS_ADMIN");
}

static void says_when_the_privilege_is_missing(void **state)
{
	(void)state;
	isolated(AS_USER, body_unprivileged);
}

static void body_outside(void)
{
	struct diag why = {0};
	int namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int fd = tmpfs_make(), outside;

	expect(mkdir("/tmp/a", 0755) == 0);
	outside = expect_ok(mount_target_open("/tmp/a", &why), &why);
	expect(unshare(CLONE_NEWNS) == 0);
	/* The target is a directory of the namespace we left. */
	expect(mount_attach(fd, outside, &why) == -EINVAL);
	expect_text(why.text, "not in this mount namespace");
	fd_close(outside);
	fd_close(fd);
	fd_close(namespace);
	expect(rmdir("/tmp/a") == 0);
}

static void a_target_of_another_namespace_is_refused(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_outside);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attaches_and_detaches),
		cmocka_unit_test(a_target_is_not_exchanged_under_us),
		cmocka_unit_test(a_target_is_a_directory),
		cmocka_unit_test(leaves_foreign_mounts_alone_unless_told),
		cmocka_unit_test(a_directory_of_a_mount_is_no_mount_point),
		cmocka_unit_test(says_when_a_mount_is_in_use),
		cmocka_unit_test(takes_the_topmost_of_a_stack),
		cmocka_unit_test(finds_mount_points_of_any_name),
		cmocka_unit_test(says_when_a_mount_is_locked),
		cmocka_unit_test(says_when_the_privilege_is_missing),
		cmocka_unit_test(a_target_of_another_namespace_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
