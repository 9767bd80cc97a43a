/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "mount/context.h"

static void body_kernel_words(void)
{
	struct mount_context context = MOUNT_CONTEXT_EMPTY;
	struct diag why = {0};

	expect_ok(context_open(&context, "tmpfs", &why), &why);
	expect(context_string(&context, "no_such_option", "x", &why) == -EINVAL);
	expect_text(why.text, "tmpfs: no_such_option: ");
	expect_text(why.text, "Unknown parameter 'no_such_option'");
	expect_text(why.text, ": Invalid argument");
	/* The message was taken: the next failure does not repeat it. */
	expect(context_number(&context, "other_option", 1, &why) == -EINVAL);
	expect(!strstr(why.text, "no_such_option"));
	context_close(&context);
}

static void failures_carry_the_kernels_words(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_kernel_words);
}

static void body_hostile_words(void)
{
	struct mount_context context = MOUNT_CONTEXT_EMPTY;
	struct diag why = {0};

	expect_ok(context_open(&context, "tmpfs", &why), &why);
	expect(context_string(&context, "bad\nkey\x1b[2J", "x", &why) == -EINVAL);
	expect(!strstr(why.text + strlen("tmpfs: bad\nkey\x1b[2J"), "\x1b"));
	context_close(&context);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_hostile_words);
}

static void body_unknown_type(void)
{
	struct mount_context context = MOUNT_CONTEXT_EMPTY;
	struct diag why = {0};

	expect(context_open(&context, "lamina-no-such", &why) == -EOPNOTSUPP);
	expect_text(why.text, "no such file system");
	expect(context.fd == -1);
	context_close(&context);
}

static void names_a_file_system_the_kernel_lacks(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_unknown_type);
}

static void body_long_string(void)
{
	struct mount_context context = MOUNT_CONTEXT_EMPTY;
	struct diag why = {0};
	char value[257];

	memset(value, 'a', sizeof(value));
	value[256] = '\0';
	expect_ok(context_open(&context, "tmpfs", &why), &why);
	expect(context_string(&context, "source", value, &why) == -E2BIG);
	expect_text(why.text, "256 bytes");
	value[255] = '\0';
	expect_ok(context_string(&context, "source", value, &why), &why);
	context_close(&context);
}

static void takes_strings_up_to_the_kernels_limit(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_long_string);
}

static void body_privilege(void)
{
	struct mount_context context = MOUNT_CONTEXT_EMPTY;
	struct diag why = {0};

	expect(context_open(&context, "tmpfs", &why) == -EPERM);
	expect_text(why.text, "CAP_SYS_ADMIN");
}

static void says_which_privilege_is_missing(void **state)
{
	(void)state;
	isolated(AS_USER, body_privilege);
}

static void body_detached(void)
{
	struct mount_context context = MOUNT_CONTEXT_EMPTY;
	struct diag why = {0};
	struct stat st;
	int fd;

	expect_ok(context_open(&context, "tmpfs", &why), &why);
	expect_ok(context_string(&context, "mode", "0711", &why), &why);
	expect_ok(context_create(&context, &why), &why);
	fd = expect_ok(context_mount(&context, MOUNT_ATTR_RDONLY, &why), &why);
	context_close(&context);
	expect(fstat(fd, &st) == 0 && st.st_mode == (S_IFDIR | 0711));
	expect(mkdirat(fd, "x", 0755) < 0 && errno == EROFS);
	fd_close(fd);
	expect(why.text[0] == '\0');
}

static void makes_a_detached_mount(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_detached);
	isolated(AS_USER_IN_USERNS, body_detached);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_carry_the_kernels_words),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(names_a_file_system_the_kernel_lacks),
		cmocka_unit_test(takes_strings_up_to_the_kernels_limit),
		cmocka_unit_test(says_which_privilege_is_missing),
		cmocka_unit_test(makes_a_detached_mount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
