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
#include "fuse/ledger.h"
#include "fuse/session.h"
#include "mount/empty_root.h"
#include "ops/daemon.h"
#include "ops/fetcher.h"
#include "ops/lazy.h"
#include "ops/server_log.h"
#include "ops/source.h"
#include "ops/supervisor.h"

/* What the server says once over the pipe: that it serves, or why not. */
struct server_message {
	int error;
	struct server server; /* but for pid */
	struct diag why;
};

/*
 * Fits into PIPE_BUF. The starter may be gone, and there is nobody else to tell; one that is there
 * and cannot be told waits for the end of this process.
 */
static void message_send(int fd, const struct server_message *message)
{
	int r = fd_write(fd, message, sizeof(*message));

	if (r < 0 && r != -EPIPE)
		_exit(EXIT_FAILURE);
}

/* Immutable once it is complete; a supervisor has it for each of its servers. */
struct serving {
	const struct server_request *request;
	struct fuse_config config;
	struct view *view;          /* owned */
	struct fuse_ledger *ledger; /* owned; NULL: not supervised */
	struct server_log log;
	int pipe_fd;                  /* owned; -1: the starter has been told */
	struct fuse_session *session; /* of the server's process */
};

static void server_is_ready(void *context)
{
	struct serving *serving = context;
	struct server_message message = {0};

	if (serving->pipe_fd < 0)
		return;
	message.server.uses_io_uring = fuse_session_uses_ring(serving->session);
	message.server.has_passthrough = fuse_session_passes_through(serving->session);
	message.server.serving_pid = getpid();
	message_send(serving->pipe_fd, &message);
	fd_closep(&serving->pipe_fd);
}

static int keep_list(const struct serving *serving, int **ret, size_t *ret_count)
{
	const struct server_request *request = serving->request;
	size_t dir_count = request->dirs ? request->dirs->count : 0, count = 0;
	int *keep = calloc(dir_count + 6, sizeof(*keep));

	if (!keep)
		return -ENOMEM;
	keep[count++] = request->device_fd;
	keep[count++] = serving->pipe_fd;
	if (serving->log.fd >= 0)
		keep[count++] = serving->log.fd;
	for (size_t i = 0; i < dir_count; i++)
		keep[count++] = request->dirs->fds[i];
	if (request->source->lazy) {
		keep[count++] = request->fetcher_fd;
		keep[count++] = request->source->lazy->dir_fd; /* shares the folder */
		keep[count++] = request->source->lazy->contents_fd;
	}
	*ret = keep;
	*ret_count = count;
	return 0;
}

/* Become a process that holds only what it serves from. */
static int server_detach(const struct serving *serving, struct diag *why)
{
	const struct server_request *request = serving->request;
	CLEAN(memory_freep) int *keep = NULL;
	size_t count;
	int r;

	r = daemon_streams_detach(request->keeps_stderr);
	if (r < 0)
		return diag_errno(why, r, "detach from the standard streams");
	r = keep_list(serving, &keep, &count);
	if (r < 0)
		return r;
	fd_close_all_but(keep, count);
	(void)setsid();
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

static int view_make(struct serving *serving, struct diag *why)
{
	const struct server_request *request = serving->request;
	const struct lazy_image *image = request->source->lazy;
	const struct view_lazy lazy = {
		.contents_fd = image ? image->contents_fd : -1,
		.bring = fetcher_bring,
		.context = (void *)&request->fetcher_fd,
	};
	const struct view_config config = {
		.kind = request->kind,
		.image = &request->source->image,
		.mapping = request->source->mapping,
		.object_fds = request->dirs ? request->dirs->fds : NULL,
		.object_fd_count = request->dirs ? request->dirs->count : 0,
		.own_data_max = request->tuning.own_data_max,
		.verity = request->verity,
		.always_opens = request->tuning.checks_open,
		.maps = request->maps,
		.lazy = image ? &lazy : NULL,
		.report = server_log_say,
		.report_context = &serving->log,
	};

	return view_new(&config, &serving->view, why);
}

/* A crashed server can be replaced only where the kernel's side of it is all on /dev/fuse. */
static bool is_supervised(const struct server_request *request)
{
	return !request->tuning.is_alone && !request->passes_through &&
	       request->tuning.transport != TUNING_TRANSPORT_RING;
}

/*
 * Threads that wait for contents to come are none that answer, and a file that is read ahead has
 * two of them wait. Once so many wait as the kernel has in the background, it sends no more reads,
 * of files that are here neither; the rest is for metadata.
 */
#define LAZY_THREAD_COUNT 256
#define LAZY_BACKGROUND_COUNT 192

/* All that needs more than the server will have, and is the same for each that is started. */
static int serving_prepare(struct serving *serving, struct diag *why)
{
	static const enum fuse_transport transports[] = {
		[TUNING_TRANSPORT_AUTO] = FUSE_TRANSPORT_AUTO,
		[TUNING_TRANSPORT_DEVICE] = FUSE_TRANSPORT_DEVICE,
		[TUNING_TRANSPORT_RING] = FUSE_TRANSPORT_RING,
	};
	const struct server_request *request = serving->request;
	const struct tuning *tuning = &request->tuning;
	const bool is_lazy = request->source->lazy != NULL;
	int r;

	limits_raise();
	server_log_open(&serving->log, request->keeps_stderr);
	if (is_supervised(request)) {
		r = fuse_ledger_new(&serving->ledger);
		if (r < 0)
			return r;
	}
	r = view_make(serving, why);
	if (r < 0)
		return r;
	serving->config = (struct fuse_config){
		.handlers = view_handlers(serving->view),
		.fs = serving->view,
		.has_acl = request->source->image.has_acl,
		/* A ring's thread that waits has its CPU's requests wait with it. */
		.transport = is_lazy ? FUSE_TRANSPORT_DEVICE : transports[tuning->transport],
		.thread_count = is_lazy ? LAZY_THREAD_COUNT : tuning->thread_count,
		.background_count = is_lazy ? LAZY_BACKGROUND_COUNT : 0,
		.opens_files = !is_lazy && request->kind == VIEW_STANDALONE,
		.passes_through = request->passes_through,
		.ledger = serving->ledger,
		/* These look at /proc and /sys, which are not there any more in an empty root. */
		.queue_count = fuse_queue_count(),
		.keeps_awake = !tuning->lets_sleep && fuse_may_spin(),
	};
	return server_detach(serving, why);
}

static void serving_release(struct serving *serving)
{
	view_free(serving->view);
	fuse_ledger_free(serving->ledger);
	server_log_close(&serving->log);
}

static int serve_session(struct serving *serving, struct diag *why)
{
	int r;

	(void)prctl(PR_SET_NAME, "lamina-server");
	r = fuse_session_new(serving->request->device_fd, &serving->config, &serving->session, why);
	if (r < 0)
		return r;
	r = fuse_session_run(serving->session, server_is_ready, serving, why);
	fuse_session_free(serving->session);
	return r;
}

/* Say how it ended to whoever still listens. Returns an exit status. */
static int serving_report(const struct serving *serving, int r, struct diag *why)
{
	struct server_message message = {.error = r};

	if (r >= 0)
		return EXIT_SUCCESS;
	message.why = *why;
	if (serving->pipe_fd >= 0)
		message_send(serving->pipe_fd, &message);
	else
		(void)fprintf(stderr, "lamina: server ends: %s\n", diag_text(why, r));
	return EXIT_FAILURE;
}

static void supervised_serve(void *context)
{
	struct serving *serving = context;
	struct diag why = {0};
	int r = serve_session(serving, &why);
	int status = serving_report(serving, r, &why);

	serving_release(serving);
	_exit(status);
}

/* The pipe is the first server's alone, so that its end is noticed. */
static void supervised_started(void *context)
{
	struct serving *serving = context;

	fd_closep(&serving->pipe_fd);
}

static void supervised_say(void *context, const char *message)
{
	struct serving *serving = context;

	server_log_say(&serving->log, message);
}

_Noreturn static void server_main(const struct server_request *request, int pipe_fd)
{
	struct serving serving = {
		.request = request,
		.log = SERVER_LOG_NONE,
		.pipe_fd = pipe_fd,
	};
	struct diag why = {0};
	sigset_t none;
	int r, status;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	r = serving_prepare(&serving, &why);
	if (r == 0 && serving.ledger) {
		const struct supervised supervised = {
			.ledger = serving.ledger,
			.device_fd = request->device_fd,
			.look_interval_ms = SUPERVISOR_LOOK_INTERVAL_MS,
			.serve = supervised_serve,
			.started = supervised_started,
			.say = supervised_say,
			.context = &serving,
		};

		status = supervise(&supervised);
	} else {
		if (r == 0)
			r = serve_session(&serving, &why);
		status = serving_report(&serving, r, &why);
	}
	serving_release(&serving);
	_exit(status);
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

void server_kill(const struct server *server)
{
	int status;

	/* It leads a session, and so a group, of its own since before it was ready. */
	(void)kill(-server->pid, SIGKILL);
	(void)reap(server->pid, &status);
}

int server_wait(pid_t pid, struct diag *why)
{
	int status = 0;
	int r = reap(pid, &status);

	if (r < 0)
		return diag_errno(why, r, "wait for the server");
	return describe_end(status, why);
}
