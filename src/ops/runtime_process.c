/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/runtime_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/program.h"
#include "ops/runtime_failure.h"

#define ARGUMENTS_MAX 16
#define LOG_NAME "log"
#define LOG_SIZE_MAX 65536 /* a line for each failure, most often one */

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
			   const char *log_path, const char **arguments)
{
	size_t count = 0;

	arguments[count++] = program;
	arguments[count++] = "--root";
	arguments[count++] = command->state;
	arguments[count++] = "--log";
	arguments[count++] = log_path;
	/* Its cgroups fail where a machine has both versions, or lets nobody load BPF programs. */
	if (is_crun(program))
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

/* Writes the error into failed_fd, which execve(2) closes. */
_Noreturn static void become(const struct runtime_command *command, const char *const *arguments,
			     const sigset_t *mask, int failed_fd)
{
	int error;

	if (command->lock_fd >= 0)
		(void)fcntl(command->lock_fd, F_SETFD, 0);
	if (!command->has_stdin) {
		CLEAN(fd_closep) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		if (null >= 0)
			(void)dup2(null, STDIN_FILENO);
		else
			(void)close(STDIN_FILENO);
	}
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)execvp(arguments[0], (char *const *)arguments);
	error = errno;
	(void)fd_write(failed_fd, &error, sizeof(error));
	_exit(STATUS_RUNTIME_FAILED);
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

/* The program took over, or *why says why it could not. */
static int took_over(int failed_fd, const char *program, struct diag *why)
{
	int error = 0;

	if (fd_read(failed_fd, &error, sizeof(error)) != (ssize_t)sizeof(error))
		return 0;
	return diag_errno(why, -error, "cannot run '%s'", program);
}

static int run_program(const struct runtime_command *command, const char *const *arguments,
		       int *ret_status, struct diag *why)
{
	CLEAN(fd_closep) int read_fd = -1;
	CLEAN(fd_closep) int write_fd = -1;
	sigset_t signals, before;
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return diag_errno(why, -errno, "cannot make a pipe");
	read_fd = ends[0];
	write_fd = ends[1];
	signals_of(&signals);
	(void)fflush(NULL);
	/* Before the child is there, so that none is lost. */
	(void)sigprocmask(SIG_BLOCK, &signals, &before);
	pid = fork();
	if (pid == 0)
		become(command, arguments, &before, write_fd);
	r = pid < 0 ? diag_errno(why, -errno, "cannot start '%s'", arguments[0]) : 0;
	fd_closep(&write_fd);
	if (r == 0) {
		r = took_over(read_fd, arguments[0], why);
		*ret_status = wait_forwarding(pid, &signals);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

/* The status that says what the runtime's failure was; that of the command where it was none. */
static int failure_of(const char *log_path, int status)
{
	CLEAN(fd_closep) int fd = open(log_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char log[LOG_SIZE_MAX];
	ssize_t size = fd < 0 ? 0 : fd_read(fd, log, sizeof(log));
	int failure = size > 0 ? runtime_failure_status(span_of(log, (size_t)size)) : 0;

	return failure ? failure : status;
}

int runtime_run(const struct runtime_command *command, int *ret_status, struct diag *why)
{
	CLEAN(memory_freep) char *log_path = NULL;
	const char *arguments[ARGUMENTS_MAX];
	const char *program = NULL;
	int status = STATUS_RUNTIME_FAILED, r;

	r = runtime_find(command->program, &program, why);
	if (r < 0)
		return r;
	if (asprintf(&log_path, "%s/" LOG_NAME, command->bundle) < 0) {
		log_path = NULL;
		return -ENOMEM;
	}
	arguments_make(command, program, log_path, arguments);
	r = run_program(command, arguments, &status, why);
	if (r < 0)
		return r;
	*ret_status = status == EXIT_FAILURE ? failure_of(log_path, status) : status;
	return 0;
}
