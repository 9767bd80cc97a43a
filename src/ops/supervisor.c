/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "fuse/ledger.h"

/* Crashes in a row without one request answered in between, or so much time. */
#define CRASHES_MAX 3
#define LIVED_NS_MIN 10000000000ull

struct supervisor {
	const struct supervised *supervised;
	int signal_fd; /* owned; of SIGCHLD and SIGTERM */
	pid_t pid;     /* of the server */
	uint64_t done; /* requests answered when it was started */
	uint64_t started_ns;
	unsigned int crashes;
	bool is_stopped; /* by SIGSTOP and the like */
	struct ledger_watch watch;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void say(const struct supervisor *supervisor, const char *format, int number)
{
	char line[128];

	(void)snprintf(line, sizeof(line), format, number);
	supervisor->supervised->say(supervisor->supervised->context, line);
}

/* A server ended by itself: unmounted, or told why not. Anything else is a crash. */
static bool is_crash(int status)
{
	return !WIFEXITED(status) ||
	       (WEXITSTATUS(status) != EXIT_SUCCESS && WEXITSTATUS(status) != EXIT_FAILURE);
}

static int server_fork(struct supervisor *supervisor, const sigset_t *mask)
{
	const struct supervised *supervised = supervisor->supervised;
	pid_t own = getpid();

	fuse_ledger_forget(supervised->ledger, &supervisor->watch);
	supervisor->done = fuse_ledger_done(supervised->ledger);
	supervisor->started_ns = now_ns();
	supervisor->is_stopped = false;
	supervisor->pid = fork();
	if (supervisor->pid < 0)
		return -errno;
	if (supervisor->pid == 0) {
		/* One process stands for the mount: without it nobody would know of this one. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != own)
			_exit(EXIT_FAILURE);
		fd_closep(&supervisor->signal_fd);
		(void)sigprocmask(SIG_SETMASK, mask, NULL);
		supervised->serve(supervised->context);
		_exit(EXIT_FAILURE);
	}
	return 0;
}

static void server_end(const struct supervisor *supervisor)
{
	(void)kill(supervisor->pid, SIGKILL);
	while (waitpid(supervisor->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Die as whoever waits for us would expect it. */
_Noreturn static void die_by(int signal_number)
{
	sigset_t set;

	(void)signal(signal_number, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, signal_number);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)raise(signal_number);
	_exit(128 + signal_number);
}

static void signals_read(const struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	while (read(supervisor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM) {
			server_end(supervisor);
			die_by(SIGTERM);
		}
	}
}

/*
 * A look at the server. One that lost all of its threads leaves requests where they wait; one that
 * was stopped may have taken one and not come to count it, which nobody can see from outside.
 */
static bool hangs(struct supervisor *supervisor)
{
	const struct supervised *supervised = supervisor->supervised;
	struct pollfd device = {.fd = supervised->device_fd, .events = POLLIN};
	bool is_waiting = poll(&device, 1, 0) == 1 && (device.revents & POLLIN);

	return fuse_ledger_is_stuck(supervised->ledger, &supervisor->watch,
				    is_waiting || supervisor->is_stopped);
}

/* Wait for the end of the server, however it comes. */
static int server_watch(struct supervisor *supervisor)
{
	struct pollfd wait = {.fd = supervisor->signal_fd, .events = POLLIN};
	int status;

	for (;;) {
		int r = waitpid(supervisor->pid, &status, WNOHANG | WUNTRACED | WCONTINUED);

		if (r == supervisor->pid && (WIFSTOPPED(status) || WIFCONTINUED(status))) {
			supervisor->is_stopped = WIFSTOPPED(status);
			continue;
		}
		if (r == supervisor->pid)
			return status;
		if (r < 0 && errno != EINTR)
			return W_EXITCODE(EXIT_FAILURE, 0);
		r = poll(&wait, 1, supervisor->supervised->look_interval_ms);
		if (r > 0) {
			signals_read(supervisor);
		} else if (r == 0 && hangs(supervisor)) {
			say(supervisor, "server %d hangs: it is ended", (int)supervisor->pid);
			(void)kill(supervisor->pid, SIGKILL);
		}
	}
}

/* Whether it is worth another try. */
static bool may_restart(struct supervisor *supervisor)
{
	const struct fuse_ledger *ledger = supervisor->supervised->ledger;
	bool was_good = fuse_ledger_done(ledger) > supervisor->done ||
			now_ns() - supervisor->started_ns > LIVED_NS_MIN;

	if (!fuse_ledger_can_resume(ledger))
		return false;
	supervisor->crashes = was_good ? 0 : supervisor->crashes + 1;
	if (supervisor->crashes < CRASHES_MAX)
		return true;
	say(supervisor, "the server crashed %d times without an answer: the mount is given up",
	    (int)supervisor->crashes);
	return false;
}

static int signal_fd_open(sigset_t *ret_previous)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &signals, ret_previous);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(struct supervisor *supervisor, const sigset_t *mask)
{
	const struct supervised *supervised = supervisor->supervised;
	bool is_started = false;
	int status = 0;

	for (;;) {
		if (server_fork(supervisor, mask) < 0) {
			say(supervisor, "a server cannot be started: errno %d", errno);
			return EXIT_FAILURE;
		}
		if (!is_started)
			supervised->started(supervised->context);
		is_started = true;
		status = server_watch(supervisor);
		if (!is_crash(status))
			return WEXITSTATUS(status);
		say(supervisor, "the server crashed (wait status %#x)", status);
		if (!may_restart(supervisor))
			break;
	}
	if (WIFSIGNALED(status) && !atomic_load(&supervised->ledger->is_negotiated))
		die_by(WTERMSIG(status));
	return EXIT_FAILURE;
}

int supervise(const struct supervised *supervised)
{
	struct supervisor supervisor = {.supervised = supervised};
	sigset_t mask;
	int status;

	(void)prctl(PR_SET_NAME, "lamina-superv");
	supervisor.signal_fd = signal_fd_open(&mask);
	if (supervisor.signal_fd < 0)
		return EXIT_FAILURE;
	status = run(&supervisor, &mask);
	fd_close(supervisor.signal_fd);
	return status;
}
