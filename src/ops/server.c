/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "fuse/session.h"
#include "mount/empty_root.h"
#include "ops/server_log.h"
#include "ops/source.h"

/* What the server says once over the pipe: that it serves, or why not. */
struct server_message {
	int error;
	struct server server; /* but for pid */
	struct diag why;
};

/* Fits into PIPE_BUF. The starter may be gone; there is nobody else to tell. */
static void message_send(int fd, const struct server_message *message)
{
	(void)fd_write(fd, message, sizeof(*message));
}

struct serving {
	struct fuse_session *session;
	int *pipe_fd;
	struct server_log log;
};

static void server_is_ready(void *context)
{
	const struct serving *serving = context;
	struct server_message message = {0};

	message.server.uses_io_uring = fuse_session_uses_ring(serving->session);
	message.server.has_passthrough = fuse_session_passes_through(serving->session);
	message_send(*serving->pipe_fd, &message);
	fd_closep(serving->pipe_fd);
}

/* Standard streams to nowhere, as a daemon's; stderr only when nobody wants to read it. */
static int streams_detach(bool keeps_stderr)
{
	CLEAN(fd_closep) int null_fd = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return -errno;
	for (int fd = 0; fd < (keeps_stderr ? 2 : 3); fd++) {
		if (dup2(null_fd, fd) < 0)
			return -errno;
	}
	return 0;
}

static int keep_list(const struct server_request *request, const struct serving *serving, int **ret,
		     size_t *ret_count)
{
	size_t dir_count = request->dirs ? request->dirs->count : 0, count = 0;
	int *keep = calloc(dir_count + 3, sizeof(*keep));

	if (!keep)
		return -ENOMEM;
	keep[count++] = request->device_fd;
	keep[count++] = *serving->pipe_fd;
	if (serving->log.fd >= 0)
		keep[count++] = serving->log.fd;
	for (size_t i = 0; i < dir_count; i++)
		keep[count++] = request->dirs->fds[i];
	*ret = keep;
	*ret_count = count;
	return 0;
}

/* Become a process that holds only what it serves from. */
static int server_detach(const struct server_request *request, const struct serving *serving,
			 struct diag *why)
{
	CLEAN(memory_freep) int *keep = NULL;
	size_t count;
	int r;

	r = streams_detach(request->keeps_stderr);
	if (r < 0)
		return diag_errno(why, r, "detach from the standard streams");
	r = keep_list(request, serving, &keep, &count);
	if (r < 0)
		return r;
	fd_close_all_but(keep, count);
	(void)setsid();
	(void)prctl(PR_SET_NAME, "lamina-server");
	/*
	 * Whoever may mount for himself may leave, too. A user of fusermount3 may not, and need
	 * not: the host's namespace does not go away.
	 */
	if (request->leaves_namespace)
		r = empty_root_enter(why);
	else if (chdir("/") < 0)
		r = diag_errno(why, -errno, "leave the working directory");
	return r;
}

/* Objects are open while they are read, by many threads perhaps. */
static void limits_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int server_serve(const struct server_request *request, int *pipe_fd, struct diag *why)
{
	struct view_config view_config = {
		.kind = request->kind,
		.image = &request->source->image,
		.mapping = request->source->mapping,
		.object_fds = request->dirs ? request->dirs->fds : NULL,
		.object_fd_count = request->dirs ? request->dirs->count : 0,
		.own_data_max = request->tuning.own_data_max,
		.report = server_log_say,
	};
	static const enum fuse_transport transports[] = {
		[TUNING_TRANSPORT_AUTO] = FUSE_TRANSPORT_AUTO,
		[TUNING_TRANSPORT_DEVICE] = FUSE_TRANSPORT_DEVICE,
		[TUNING_TRANSPORT_RING] = FUSE_TRANSPORT_RING,
	};
	struct fuse_config config = {
		.has_acl = request->source->image.has_acl,
		.transport = transports[request->tuning.transport],
		.thread_count = request->tuning.thread_count,
		.opens_files = request->tuning.checks_open && request->kind == VIEW_STANDALONE,
		.passes_through = request->passes_through,
	};
	struct serving serving = {.pipe_fd = pipe_fd, .log = SERVER_LOG_NONE};
	struct view *view;
	int r;

	limits_raise();
	server_log_open(&serving.log, request->keeps_stderr);
	view_config.report_context = &serving.log;
	/* These look at /proc and /sys, which are not there any more in an empty root. */
	config.queue_count = fuse_queue_count();
	config.keeps_awake = !request->tuning.lets_sleep && fuse_may_spin();
	r = view_new(&view_config, &view, why);
	if (r < 0)
		return r;
	r = server_detach(request, &serving, why);
	if (r < 0) {
		view_free(view);
		return r;
	}
	config.handlers = view_handlers(view);
	config.fs = view;
	r = fuse_session_new(request->device_fd, &config, &serving.session, why);
	if (r == 0) {
		r = fuse_session_run(serving.session, server_is_ready, &serving, why);
		fuse_session_free(serving.session);
	}
	view_free(view);
	server_log_close(&serving.log);
	return r;
}

_Noreturn static void server_main(const struct server_request *request, int pipe_fd)
{
	struct server_message message = {0};
	sigset_t none;
	int r;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	r = server_serve(request, &pipe_fd, &message.why);
	message.error = r;
	if (r < 0 && pipe_fd >= 0)
		message_send(pipe_fd, &message);
	else if (r < 0)
		(void)fprintf(stderr, "lamina: server ends: %s\n", diag_text(&message.why, r));
	_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int describe_end(int status, struct diag *why)
{
	if (WIFSIGNALED(status))
		return diag_set(why, -EIO, "the server was ended by signal %d (%s)",
				WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		return diag_set(why, -EIO, "the server ended with status %d", WEXITSTATUS(status));
	return 0;
}

static int reap(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* Wait for the word of a server that was just forked. On failure it is reaped. */
static int ready_wait(pid_t pid, int pipe_fd, struct server *ret, struct diag *why)
{
	struct server_message message;
	ssize_t got = fd_read(pipe_fd, &message, sizeof(message));
	int status = 0, r;

	if (got == (ssize_t)sizeof(message) && message.error == 0) {
		*ret = message.server;
		ret->pid = pid;
		return 0;
	}
	r = reap(pid, &status);
	if (r < 0)
		return r;
	if (got == (ssize_t)sizeof(message)) {
		if (why)
			*why = message.why;
		return message.error;
	}
	r = describe_end(status, why);
	return r < 0 ? r : diag_set(why, -EIO, "the server ended before it served");
}

int server_start(const struct server_request *request, struct server *ret, struct diag *why)
{
	CLEAN(fd_closep) int read_fd = -1;
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return diag_errno(why, -errno, "make a pipe");
	read_fd = ends[0];
	(void)fflush(NULL); /* nothing buffered may be written twice */
	pid = fork();
	if (pid < 0) {
		r = -errno;
		fd_close(ends[1]);
		return diag_errno(why, r, "start the server");
	}
	if (pid == 0)
		server_main(request, ends[1]);
	fd_close(ends[1]);
	return ready_wait(pid, read_fd, ret, why);
}

void server_kill(pid_t pid)
{
	int status;

	(void)kill(pid, SIGKILL);
	(void)reap(pid, &status);
}

int server_wait(pid_t pid, struct diag *why)
{
	int status = 0;
	int r = reap(pid, &status);

	if (r < 0)
		return diag_errno(why, r, "wait for the server");
	return describe_end(status, why);
}
