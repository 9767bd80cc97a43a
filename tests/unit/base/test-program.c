/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/program.h"

static void a_program_is_in_one_of_the_folders(void **state)
{
	(void)state;
	assert_int_equal(0, setenv("PATH", ":/nowhere::/bin:", 1));
	assert_int_equal(0, program_find("sh"));
	assert_int_equal(-ENOENT, program_find("no-such-program"));
	assert_int_equal(0, setenv("PATH", "/nowhere", 1));
	assert_int_equal(-ENOENT, program_find("sh"));
	assert_int_equal(0, setenv("PATH", "", 1));
	assert_int_equal(-ENOENT, program_find("sh"));
}

static void what_cannot_be_run_is_none(void **state)
{
	(void)state;
	assert_int_equal(0, setenv("PATH", "/etc", 1));
	assert_int_equal(-ENOENT, program_find("passwd"));
}

static void without_a_path_there_is_a_default(void **state)
{
	(void)state;
	assert_int_equal(0, unsetenv("PATH"));
	assert_int_equal(0, program_find("sh"));
}

static int run(const char *script, struct diag *why)
{
	char *const arguments[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
	int talk = program_talk(why), r;
	pid_t pid;

	assert_true(talk >= 0);
	r = program_spawn(arguments, NULL, &(struct program_fd){talk, STDERR_FILENO}, 1, &pid);
	assert_int_equal(0, r);
	r = program_wait(pid, "sh", talk, why);
	fd_close(talk);
	return r;
}

static void says_what_a_program_said(void **state)
{
	static const struct {
		const char *script;
		int result;
		const char *text;
	} cases[] = {
		{"exit 0", 0, ""},
		{"echo ignored >&2", 0, ""},
		{"echo 'sh: too \033 bad' >&2; echo more >&2; exit 1", -EPERM, "sh: too ? bad"},
		{"exit 3", -EPERM, "sh ended with status 3"},
		{"echo x >&2; kill -9 $$", -EIO, "sh was killed by signal 9"},
	};

	(void)state;
	(void)unsetenv("PATH");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct diag why = {0};

		assert_int_equal(cases[i].result, run(cases[i].script, &why));
		assert_string_equal(cases[i].text, why.text);
	}
}

/* What this process ignores or blocks is nothing that a program can know of. */
static void starts_with_signals_as_a_new_program_has_them(void **state)
{
	struct diag why = {0};
	sigset_t set;

	(void)state;
	(void)unsetenv("PATH");
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGTERM, SIG_IGN);
	assert_int_equal(-EIO, run("kill -TERM $$; exit 0", &why));
	(void)signal(SIGTERM, SIG_DFL);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void a_program_that_is_not_there_is_told_apart(void **state)
{
	char *const arguments[] = {(char[]){"no-such-program"}, NULL};
	pid_t pid;

	(void)state;
	assert_int_equal(-ENOENT, program_spawn(arguments, NULL, NULL, 0, &pid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_is_in_one_of_the_folders),
		cmocka_unit_test(what_cannot_be_run_is_none),
		cmocka_unit_test(without_a_path_there_is_a_default),
		cmocka_unit_test(says_what_a_program_said),
		cmocka_unit_test(starts_with_signals_as_a_new_program_has_them),
		cmocka_unit_test(a_program_that_is_not_there_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
