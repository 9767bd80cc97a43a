/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/runtime_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/program.h"
#include "mount/capability.h"
#include "mount/userns.h"

#define ARGUMENTS_MAX 16

/* What a user or a service manager sends to end or to wake a program. */
static const int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT};

static int runtime_find(const char *wanted, const char **ret, struct diag *why)
{
	static const char *const known[] = {"crun", "runc"};

	if (wanted &&
	    (strchr(wanted, '/') ? access(wanted, X_OK) == 0 : program_find(wanted) == 0)) {
		*ret = wanted;
		return 0;
	}
	if (wanted)
		return diag_set(why, -ENOENT, "there is no runtime '%s'", wanted);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (program_find(known[i]) == 0) {
			*ret = known[i];
			return 0;
		}
	}
	return diag_set(why, -ENOENT,
			"there is no OCI runtime: install crun, or name one by --runtime");
}

static bool is_crun(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash ? slash + 1 : program, "crun") == 0;
}

static void arguments_make(const struct runtime_command *command, const char *program,
			   const char **arguments)
{
	size_t count = 0;

	arguments[count++] = program;
	arguments[count++] = "--root";
	arguments[count++] = command->state;
	if (!command->has_cgroups && is_crun(program))
		arguments[count++] = "--cgroup-manager=disabled";
	arguments[count++] = "run";
	arguments[count++] = "--bundle";
	arguments[count++] = command->bundle;
	arguments[count++] = command->name;
	arguments[count] = NULL;
}

static void signals_of(sigset_t *ret)
{
	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGCHLD);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		(void)sigaddset(ret, forwarded[i]);
}

_Noreturn static void become(const struct runtime_command *command, const char *const *arguments,
			     const sigset_t *mask)
{
	if (command->lock_fd >= 0)
		(void)fcntl(command->lock_fd, F_SETFD, 0);
	if (!command->has_stdin) {
		CLEAN(fd_closep) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		if (null < 0 || dup2(null, STDIN_FILENO) < 0)
			_exit(EXIT_FAILURE);
	}
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)execvp(arguments[0], (char *const *)arguments);
	_exit(EXIT_FAILURE);
}

static int status_of(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/*
 * A signal that the terminal sent went to the child as well, which is in our process group; only
 * what somebody sent to us alone is passed on.
 */
static int wait_forwarding(pid_t pid, const sigset_t *signals)
{
	siginfo_t info;
	int status;

	for (;;) {
		int r = waitpid(pid, &status, WNOHANG);

		if (r == pid)
			return status_of(status);
		if (r < 0 && errno != EINTR)
			return EXIT_FAILURE;
		r = sigwaitinfo(signals, &info);
		if (r > 0 && r != SIGCHLD && info.si_code != SI_KERNEL)
			(void)kill(pid, r);
	}
}

bool runtime_has_cgroups(void)
{
	struct statfs stat;

	return userns_is_initial() && capability_has(CAP_SYS_ADMIN) &&
	       statfs("/sys/fs/cgroup", &stat) == 0 && stat.f_type == CGROUP2_SUPER_MAGIC;
}

int runtime_run(const struct runtime_command *command, int *ret_status, struct diag *why)
{
	const char *arguments[ARGUMENTS_MAX];
	const char *program = NULL;
	sigset_t signals, before;
	pid_t pid;
	int r;

	r = runtime_find(command->program, &program, why);
	if (r < 0)
		return r;
	arguments_make(command, program, arguments);
	signals_of(&signals);
	(void)fflush(NULL);
	/* Before the child is there, so that none is lost. */
	(void)sigprocmask(SIG_BLOCK, &signals, &before);
	pid = fork();
	if (pid == 0)
		become(command, arguments, &before);
	r = pid < 0 ? diag_errno(why, -errno, "cannot start '%s'", program) : 0;
	if (r == 0)
		*ret_status = wait_forwarding(pid, &signals);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
