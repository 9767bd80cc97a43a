/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/fetcher.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/fd_pass.h"
#include "fuse/reply.h"
#include "mount/own_namespace.h"
#include "ops/daemon.h"
#include "ops/lazy.h"
#include "ops/lazy_fetch.h"
#include "ops/server_log.h"
#include "serve/complaints.h"

/* Over the socket, with the end of another that the answer goes to. */
struct fetch_question {
	uint8_t contents[32]; /* SHA-256 */
};

/* With the descriptor, if error is 0. */
struct fetch_answer {
	int32_t error;
};

/* Between two signs of life of a server's thread that waits; reply_still_waits(). */
#define WAIT_TICK_MS 5000

/* A fetcher that crashes at once is started again so often, in so many seconds. */
#define RESTART_PAUSE_S 1
#define RESTARTS_MAX 100

/* The server's side */

static int answer_take(int socket_fd, struct fuse_reply *reply)
{
	struct pollfd wait = {.fd = socket_fd, .events = POLLIN};
	struct fetch_answer answer = {0};
	ssize_t got;
	int fd, r;

	while ((r = poll(&wait, 1, WAIT_TICK_MS)) <= 0) {
		if (r < 0 && errno != EINTR)
			return -EIO;
		reply_still_waits(reply);
	}
	got = fd_pass_receive(socket_fd, &answer, sizeof(answer), &fd);
	if (got <= 0)
		return -EIO; /* it crashed, or is gone */
	if (got == (ssize_t)sizeof(answer) && answer.error == 0 && fd >= 0)
		return fd;
	fd_close(fd);
	return got == (ssize_t)sizeof(answer) && answer.error < 0 ? answer.error : -EIO;
}

int fetcher_bring(void *context, const struct digest *contents, struct fuse_reply *reply)
{
	const int *socket_fd = context;
	CLEAN(fd_closep) int own = -1;
	struct fetch_question question;
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return errno == EMFILE || errno == ENFILE ? -ENFILE : -EIO;
	own = ends[0];
	memcpy(question.contents, contents->bytes, sizeof(question.contents));
	r = fd_pass_send(*socket_fd, &question, sizeof(question), ends[1]);
	fd_close(ends[1]);
	return r < 0 ? -EIO : answer_take(own, reply);
}

/* The fetcher's side */

struct fetching {
	const struct fetcher_request *request;
	struct lazy_fetch *fetch;
	struct server_log log;
	struct complaints complaints;
	int socket_fd;
};

/* Once for each of the contents: a reader may try for ever. */
static void complain(struct fetching *fetching, const struct digest *contents, int err,
		     struct diag *why)
{
	char hex[DIGEST_HEX_SIZE_MAX], message[sizeof(why->text) + 120];
	uint64_t key;

	memcpy(&key, contents->bytes, sizeof(key));
	if (!complaints_first(&fetching->complaints, key | 1))
		return;
	(void)snprintf(message, sizeof(message), "contents sha256:%s cannot be brought: %s",
		       digest_hex(contents, hex), diag_text(why, err));
	server_log_say(&fetching->log, message);
}

/* What a reader gets for it. */
static int error_shown(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -ENOMEM ? err : -EIO;
}

static void question_answer(struct fetching *fetching, const struct fetch_question *question,
			    int answer_fd)
{
	const struct digest contents = digest_of(DIGEST_SHA256, question->contents);
	struct diag why = {0};
	CLEAN(fd_closep) int fd = lazy_fetch_get(fetching->fetch, &contents, &why);
	const struct fetch_answer answer = {.error = fd < 0 ? error_shown(fd) : 0};

	if (fd < 0)
		complain(fetching, &contents, fd, &why);
	(void)fd_pass_send(answer_fd, &answer, sizeof(answer), fd);
}

static void *fetch_thread(void *context)
{
	struct fetching *fetching = context;

	for (;;) {
		CLEAN(fd_closep) int answer_fd = -1;
		struct fetch_question question = {0};
		ssize_t got = fd_pass_receive(fetching->socket_fd, &question, sizeof(question),
					      &answer_fd);

		if (got <= 0)
			return NULL; /* no server is left */
		if (got == (ssize_t)sizeof(question) && answer_fd >= 0)
			question_answer(fetching, &question, answer_fd);
	}
}

static int fetching_run(struct fetching *fetching, struct diag *why)
{
	pthread_t threads[FETCHER_THREADS];
	int count = 0;
	int r = lazy_fetch_new(fetching->request->image, &fetching->fetch, why);

	if (r < 0)
		return r;
	while (count < FETCHER_THREADS &&
	       pthread_create(&threads[count], NULL, fetch_thread, fetching) == 0)
		count++;
	for (int i = 0; i < count; i++)
		(void)pthread_join(threads[i], NULL);
	lazy_fetch_free(fetching->fetch);
	return count ? 0 : diag_set(why, -EAGAIN, "cannot start a thread");
}

/* One that was started: ends when no server is left. */
_Noreturn static void fetching_main(struct fetching *fetching)
{
	struct diag why = {0};
	int r;

	(void)prctl(PR_SET_NAME, "lamina-fetcher");
	r = fetching_run(fetching, &why);
	if (r < 0)
		server_log_say(&fetching->log, diag_text(&why, r));
	_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* Whether another one is worth it. */
static bool has_crashed(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return WIFSIGNALED(status);
}

/* No server has the other end. */
static bool is_deserted(int socket_fd)
{
	struct pollfd look = {.fd = socket_fd};

	return poll(&look, 1, 0) == 1 && (look.revents & POLLHUP);
}

static void fetching_watch(struct fetching *fetching)
{
	for (int i = 0; i < RESTARTS_MAX; i++) {
		pid_t pid = fork();

		if (pid == 0)
			fetching_main(fetching);
		if (pid < 0 || !has_crashed(pid) || is_deserted(fetching->socket_fd))
			return;
		server_log_say(&fetching->log, "the fetcher of a lazy mount was killed, and is "
					       "started again");
		(void)sleep(RESTART_PAUSE_S);
	}
}

_Noreturn static void fetcher_main(const struct fetcher_request *request, int socket_fd)
{
	struct fetching fetching = {
		.request = request, .log = SERVER_LOG_NONE, .socket_fd = socket_fd};
	int keep[4] = {socket_fd, request->image->dir_fd, request->image->contents_fd};
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN); /* of a terminal, for the mount in the foreground */
	(void)prctl(PR_SET_NAME, "lamina-fetching");
	server_log_open(&fetching.log, request->keeps_stderr);
	keep[3] = fetching.log.fd;
	fd_close_all_but(keep, fetching.log.fd >= 0 ? 4 : 3);
	if (daemon_streams_detach(request->keeps_stderr) < 0)
		_exit(EXIT_FAILURE);
	(void)setsid();
	/* It needs a root, for what the user's files say of registries, and so cannot do without.
	 */
	if (request->leaves_namespace)
		(void)own_namespace_enter(NULL);
	(void)chdir("/");
	fetching_watch(&fetching);
	_exit(EXIT_SUCCESS);
}

int fetcher_start(const struct fetcher_request *request, int *ret_fd, struct diag *why)
{
	int ends[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return diag_errno(why, -errno, "make a socket for the fetcher");
	(void)fflush(NULL); /* nothing buffered may be written twice */
	/* Twice, so that nobody has to wait for its end. */
	pid = fork();
	if (pid == 0) {
		pid_t second = fork();

		if (second != 0)
			_exit(second < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
		fetcher_main(request, ends[1]);
	}
	r = pid < 0 ? -errno : 0;
	fd_close(ends[1]);
	if (pid > 0) {
		int status = 0;

		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		r = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 0 : -EAGAIN;
	}
	if (r < 0) {
		fd_close(ends[0]);
		return diag_errno(why, r, "start the fetcher");
	}
	*ret_fd = ends[0];
	return 0;
}
