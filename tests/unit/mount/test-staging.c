/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "mount/mountinfo.h"
#include "mount/staging.h"

static void body_attach(void)
{
	struct staging *staged = NULL;
	struct diag why = {0};
	int first = tmpfs_make(), second = tmpfs_make();

	expect(mount_is_attached(first, &why) == 0);
	expect_ok(staging_attach(&staged, first, &why), &why);
	expect_ok(staging_attach(&staged, second, &why), &why);
	expect(mount_is_attached(first, &why) == 1);
	expect(mount_is_attached(second, &why) == 1);
	staging_release(&staged);
	expect(!staged);
	expect(mount_is_attached(first, &why) == 0);
	file_make(first, "still", "usable");
	fd_close(first);
	fd_close(second);
	staging_release(&staged);
}

static void attaches_for_a_while_and_leaves_no_trace(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_attach);
	isolated(AS_USER_IN_USERNS, body_attach);
}

static void body_failure(void)
{
	struct staging *staged = NULL;
	struct diag why = {0};
	int fd = open("/", O_PATH | O_CLOEXEC);

	expect(staging_attach(&staged, fd, &why) < 0); /* a mount cannot go below itself */
	expect(!staged);
	fd_close(fd);
}

static void a_failure_leaves_no_directory(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_failure);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attaches_for_a_while_and_leaves_no_trace),
		cmocka_unit_test(a_failure_leaves_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
