/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "mount/process.h"

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		/* A name that looks like the fields behind it. */
		(void)prctl(PR_SET_NAME, "x) Z 1 (y");
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void a_process_is_alive_until_it_ends_even_unreaped(void **state)
{
	struct process_identity self = process_identify(getpid()), child;
	pid_t pid = sleeper();

	(void)state;
	need("proc", self.start > 0, "/proc is not of this PID namespace");
	assert_int_equal(LIVENESS_ALIVE, process_liveness(&self));
	child = process_identify(pid);
	assert_int_equal(LIVENESS_ALIVE, process_liveness(&child));
	assert_int_equal(LIVENESS_ALIVE, process_wait(&child, 0));
	assert_int_equal(0, kill(pid, SIGKILL));
	assert_int_equal(LIVENESS_GONE, process_wait(&child, 10000));
	assert_int_equal(pid, waitpid(pid, NULL, 0));
	assert_int_equal(LIVENESS_GONE, process_liveness(&child));
}

static void a_number_that_was_used_again_is_another_process(void **state)
{
	struct process_identity self = process_identify(getpid());

	(void)state;
	need("proc", self.start > 0, "/proc is not of this PID namespace");
	self.start--;
	assert_int_equal(LIVENESS_GONE, process_liveness(&self));
}

static void what_cannot_be_told_is_not_gone(void **state)
{
	struct process_identity self = process_identify(getpid()), other = self;

	(void)state;
	other.pid_namespace++;
	assert_int_equal(LIVENESS_UNKNOWN, process_liveness(&other));
	other = self;
	other.start = 0;
	assert_int_equal(LIVENESS_UNKNOWN, process_liveness(&other));
	other.pid = 0;
	assert_int_equal(LIVENESS_UNKNOWN, process_liveness(&other));
}

static void the_table_has_this_process(void **state)
{
	struct process_table *table = NULL;

	(void)state;
	assert_int_equal(0, process_table_read(&table));
	assert_true(process_table_in_mount_namespace(table, namespace_inode("mnt")) > 0);
	assert_true(process_table_in_mount_namespace(table, 1) <= 0);
	process_table_free(table);
}

static void there_is_a_boot_id(void **state)
{
	char boot[BOOT_ID_SIZE];
	struct diag why = {0};

	(void)state;
	assert_ok(boot_id_read(boot, &why), &why);
	assert_int_equal(BOOT_ID_SIZE - 1, strlen(boot));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_alive_until_it_ends_even_unreaped),
		cmocka_unit_test(a_number_that_was_used_again_is_another_process),
		cmocka_unit_test(what_cannot_be_told_is_not_gone),
		cmocka_unit_test(the_table_has_this_process),
		cmocka_unit_test(there_is_a_boot_id),
	};

	return cmocka_run_group_tests_name("mount/process", tests, NULL, NULL);
}
