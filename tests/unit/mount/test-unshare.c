/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Namespaces with maps that a process writes itself; and this program under the names of the setuid
 * helpers, misbehaving as FAKE_UIDMAP says. The real ones: tests/e2e/unshare.bats.
 */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/idmap.h"
#include "mount/unshare.h"
#include "mount/userns.h"

static struct idmaps maps_of(const char *list)
{
	struct idmaps maps = {0};
	struct diag why = {0};

	expect_ok(idmap_add_list(&maps.uids, list, &why), &why);
	expect_ok(idmap_add_list(&maps.gids, list, &why), &why);
	return maps;
}

/* No child is left, running or not. */
static void expect_childless(void)
{
	expect(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static void enter(const char *list)
{
	const struct idmaps maps = maps_of(list);
	struct diag why = {0};

	need_userns();
	expect_ok(unshare_enter(&maps, &why), &why);
	expect(!userns_is_initial());
	expect_ok(userns_may_mount(&why), &why);
	expect_childless();
}

static void body_user_single(void)
{
	const struct idmaps maps = maps_of("0:1000:1");

	expect(!unshare_needs_helpers(&maps));
	enter("0:1000:1");
	expect(geteuid() == 0 && getegid() == 0);
	expect(userns_has_uid(0) && !userns_has_uid(1));
}

static void a_user_maps_his_own_id(void **state)
{
	(void)state;
	isolated(AS_USER, body_user_single);
}

static void body_user_keeps(void)
{
	enter("1000:1000:1");
	expect(geteuid() == 1000 && getegid() == 1000);
}

static void a_user_keeps_his_number_and_may_mount(void **state)
{
	(void)state;
	isolated(AS_USER, body_user_keeps);
}

static void body_root_ranges(void)
{
	const struct idmaps maps = maps_of("0:100000:10,10:300000:5");
	struct stat st;

	expect(!unshare_needs_helpers(&maps));
	enter("0:100000:10,10:300000:5");
	expect(geteuid() == 0 && getegid() == 0 && getgroups(0, NULL) == 0);
	expect(userns_has_uid(14) && !userns_has_uid(15) && userns_has_gid(14));
	/* not the host's root any more */
	expect(stat("/etc/passwd", &st) == 0 && st.st_uid == userns_overflow_uid());
	expect(stat("/proc/self/fd", &st) == 0 && st.st_uid == 0);
}

static void root_becomes_root_of_subordinate_ids(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_root_ranges);
}

static void body_nested(void)
{
	enter("0:0:1,1:100000:65536");
	expect(geteuid() == 0 && userns_has_uid(65536));
	enter("0:1:1000,1000:0:1,1001:1001:64536");
	expect(geteuid() == 1000 && getegid() == 1000 && userns_has_uid(65536));
}

static void root_of_a_namespace_maps_what_exists_there(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_nested);
}

static void body_not_there(void)
{
	const struct idmaps maps = maps_of("0:0:1,1:5:1");
	struct diag why = {0};

	expect(unshare_enter(&maps, &why) == -EPERM);
	expect_text(why.text, "do not exist here");
	expect_childless();
}

static void ids_that_do_not_exist_cannot_be_mapped(void **state)
{
	(void)state;
	isolated(AS_USER_IN_USERNS, body_not_there);
}

static void body_denied(void)
{
	const struct idmaps maps = maps_of("0:0:1");
	int fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
	struct diag why = {0};

	expect(fd >= 0 && fd_write(fd, "0", 1) == 0);
	fd_close(fd);
	expect(unshare_enter(&maps, &why) == -ENOSPC);
	expect_text(why.text, "user.max_user_namespaces");
	expect_childless();
}

static void denied_namespaces_leave_no_process(void **state)
{
	(void)state;
	isolated(AS_USER_IN_USERNS, body_denied);
}

static void body_private(void)
{
	CLEAN(fd_closep) int outside = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	struct stat before, after;

	expect(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) == 0);
	expect(outside >= 0 && fstat(outside, &before) == 0);
	enter("0:0:1");
	expect(stat("/proc/self/ns/mnt", &after) == 0 && before.st_ino != after.st_ino);
	expect(mount("tmpfs", isolate_dir, "tmpfs", 0, NULL) == 0);
	expect(umount2(isolate_dir, 0) == 0);
}

static void mounts_are_private(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_private);
}

static int fake_main(void)
{
	const char *how = getenv("FAKE_UIDMAP");

	if (strcmp(how, "refuse") == 0) {
		(void)fprintf(stderr, "newuidmap: range\x1b[2J not allowed\nmore\n");
		return 1;
	}
	if (strcmp(how, "killed") == 0)
		(void)raise(SIGKILL);
	return strcmp(how, "mute") == 0 ? 3 : 0;
}

/* A copy, not a link: where the build lies below /tmp, the body's own /tmp hides it. */
static void copy_self(const char *name)
{
	CLEAN(fd_closep) int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CLEAN(fd_closep) int out = -1;
	char part[65536], path[4200];
	ssize_t size;

	(void)snprintf(path, sizeof(path), "%s/%s", isolate_dir, name);
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	expect(in >= 0 && out >= 0);
	while ((size = fd_read(in, part, sizeof(part))) > 0)
		expect(fd_write(out, part, (size_t)size) == 0);
	expect(size == 0);
}

static void expect_fake(const char *how, int err, const char *text)
{
	const struct idmaps maps = maps_of("0:1000:1,1:100000:65536");
	struct diag why = {0};
	pid_t pid;
	int status, r;

	expect(unshare_needs_helpers(&maps));
	pid = fork(); /* a failure leaves the process where it can do nothing more */
	expect(pid >= 0);
	if (pid == 0) {
		expect(setenv("FAKE_UIDMAP", how, 1) == 0);
		r = unshare_enter(&maps, &why);
		if (r != err)
			expect_failed(__FILE__, __LINE__, how, diag_text(&why, r));
		expect_text(why.text, text);
		expect_childless();
		_exit(0);
	}
	expect(waitpid(pid, &status, 0) == pid && status == 0);
}

static void body_fakes(void)
{
	struct diag why = {0};

	need_userns();
	expect(setenv("PATH", isolate_dir, 1) == 0);
	expect(unshare_find_helpers(&why) == -ENOENT);
	expect_text(why.text, "there is no newuidmap (package uidmap has it)");
	expect_fake("", -ENOENT, "there is no newuidmap (package uidmap has it)");
	copy_self("newuidmap");
	expect(unshare_find_helpers(&why) == -ENOENT);
	expect_text(why.text, "there is no newgidmap");
	expect_fake("", -ENOENT, "there is no newgidmap");
	copy_self("newgidmap");
	expect(unshare_find_helpers(&why) == 0);
	expect_fake("refuse", -EPERM, "newuidmap: range?[2J not allowed");
	expect_fake("mute", -EPERM, "newuidmap ended with status 3");
	expect_fake("killed", -EIO, "newuidmap was killed by signal 9");
	expect_fake("lie", -EPERM, "the id map was not written");
}

static void helpers_that_fail_are_quoted(void **state)
{
	(void)state;
	isolated(AS_USER, body_fakes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_maps_his_own_id),
		cmocka_unit_test(a_user_keeps_his_number_and_may_mount),
		cmocka_unit_test(root_becomes_root_of_subordinate_ids),
		cmocka_unit_test(root_of_a_namespace_maps_what_exists_there),
		cmocka_unit_test(ids_that_do_not_exist_cannot_be_mapped),
		cmocka_unit_test(denied_namespaces_leave_no_process),
		cmocka_unit_test(mounts_are_private),
		cmocka_unit_test(helpers_that_fail_are_quoted),
	};

	if (getenv("FAKE_UIDMAP"))
		return fake_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
