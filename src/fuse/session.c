/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * session.c - threads that read requests from one descriptor
 *
 * Two system calls a request: read(2) and writev(2). Threads share the descriptor and nothing else,
 * so there is no lock; the kernel hands each request to one of them.
 *
 * Stopping costs the serving path nothing: fuse_session_stop() puts a descriptor at its end of file
 * in the place of the one that is read from, then sends each thread a signal. A thread that has not
 * entered read(2) yet finds the end of file; one that has is in the kernel with the old file, where
 * the pending signal ends its wait. Replies leave through a second descriptor, which stays what it
 * is.
 */
#include "fuse/session.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/trace.h"
#include "base/workers.h"
#include "fuse/abi.h"
#include "fuse/dispatch.h"

/* Ignored by default, so one that comes late, after the handler is gone, does no harm. */
#define WAKE_SIGNAL SIGURG

/* More threads than this only fight for the descriptor: requests take some microseconds. */
#define THREADS_DEFAULT_MAX 4
#define THREADS_MAX 64

/* The longest request we want whole is a name; batches of forgets fill what there is. */
#define REQUEST_SIZE_MAX (4 * ABI_REQUEST_ROOM_MIN)

struct worker {
	struct fuse_session *session;
	pthread_t thread;
	_Atomic pid_t tid; /* 0: not in the kernel on our behalf */
	int error;         /* of its end; read after it was joined */
	uint8_t *request;  /* owned, REQUEST_SIZE_MAX bytes */
	struct abi_reply head;
	struct fuse_reply reply;
};

struct fuse_session {
	struct connection connection;
	int read_fd;  /* owned; at its end of file once stopped */
	int write_fd; /* owned */
	int ended_fd; /* owned; a pipe without a writer */
	atomic_bool is_stopped;
	unsigned int worker_count;
	struct worker workers[]; /* each owned by its thread, but tid */
};

static int worker_init(struct worker *worker, struct fuse_session *session)
{
	void *buffer;

	worker->session = session;
	worker->request = malloc(REQUEST_SIZE_MAX);
	if (!worker->request)
		return -ENOMEM;
	/* Mapped, so that only as much as answers have needed is ever there. */
	buffer = mmap(NULL, REPLY_READ_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (buffer == MAP_FAILED)
		return -errno;
	worker->reply.buffer = buffer;
	worker->reply.capacity = REPLY_READ_MAX;
	return 0;
}

static void worker_release(struct worker *worker)
{
	free(worker->request);
	if (worker->reply.buffer)
		(void)munmap(worker->reply.buffer, worker->reply.capacity);
}

static unsigned int worker_count_of(const struct fuse_config *config)
{
	unsigned int count = config->thread_count;

	if (count > THREADS_MAX)
		return THREADS_MAX;
	if (count > 0)
		return count;
	count = cpu_count();
	return count < THREADS_DEFAULT_MAX ? count : THREADS_DEFAULT_MAX;
}

/* A descriptor that reads as end of file, made without a file system. */
static int ended_open(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fd_close(ends[1]);
	return ends[0];
}

static void session_freep(struct fuse_session **session)
{
	fuse_session_free(*session);
}

static int make_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || ((flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0))
		return -errno;
	return 0;
}

int fuse_session_new(int fd, const struct fuse_config *config, struct fuse_session **ret,
		     struct diag *why)
{
	unsigned int count = worker_count_of(config);
	CLEAN(session_freep) struct fuse_session *session = NULL;
	int r;

	session = calloc(1, sizeof(*session) + count * sizeof(session->workers[0]));
	if (!session)
		return -ENOMEM;
	session->connection.config = *config;
	session->read_fd = session->write_fd = session->ended_fd = -1;
	session->worker_count = count;
	for (unsigned int i = 0; i < count; i++) {
		r = worker_init(&session->workers[i], session);
		if (r < 0)
			return r;
	}
	session->ended_fd = ended_open();
	if (session->ended_fd < 0)
		return diag_errno(why, session->ended_fd, "cannot make a pipe");
	session->write_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (session->write_fd < 0)
		return diag_errno(why, -errno, "cannot duplicate the FUSE descriptor");
	r = make_blocking(fd);
	if (r < 0)
		return diag_errno(why, r, "cannot use the FUSE descriptor");
	session->read_fd = fd;
	*ret = TAKE(session);
	return 0;
}

void fuse_session_free(struct fuse_session *session)
{
	if (!session)
		return;
	for (unsigned int i = 0; i < session->worker_count; i++)
		worker_release(&session->workers[i]);
	fd_close(session->read_fd);
	fd_close(session->write_fd);
	fd_close(session->ended_fd);
	free(session);
}

void fuse_session_stop(struct fuse_session *session)
{
	int saved = errno;

	atomic_store(&session->is_stopped, true);
	(void)dup3(session->ended_fd, session->read_fd, O_CLOEXEC);
	for (unsigned int i = 0; i < session->worker_count; i++) {
		pid_t tid = atomic_load(&session->workers[i].tid);

		if (tid)
			(void)syscall(SYS_tgkill, getpid(), tid, WAKE_SIGNAL);
	}
	errno = saved;
}

/* Returns 0, or -errno when nothing can be sent any more. */
static int worker_send(struct worker *worker)
{
	struct fuse_reply *reply = &worker->reply;
	uint64_t unique = worker->head.unique;

	if (writev(worker->session->write_fd, reply->parts, (int)reply->part_count) >= 0)
		return 0;
	/*
	 * A page of the image that cannot be read: the kernel has failed the request or still
	 * waits, as far as it came. EINVAL, E2BIG: an answer it does not like. Either way it gets
	 * an error instead.
	 */
	if (errno == EFAULT || errno == EINVAL || errno == E2BIG || errno == ENOMEM) {
		TRACE("fuse", "reply refused with errno %d, sending EIO", errno);
		dispatch_fail(reply, &worker->head, unique, -EIO);
		if (writev(worker->session->write_fd, reply->parts, (int)reply->part_count) >= 0)
			return 0;
	}
	/* The request was interrupted, or was failed above; an unmount is noticed by the next read.
	 */
	if (errno == ENOENT || errno == ENODEV || errno == EFAULT || errno == EINVAL ||
	    errno == ECONNABORTED || errno == EPERM || errno == EPIPE)
		return 0;
	return -errno;
}

/* Returns 1 with a request in *ret, 0 at the end of the connection, or -errno. */
static int worker_receive(struct worker *worker, struct span *ret)
{
	struct fuse_session *session = worker->session;

	while (!atomic_load_explicit(&session->is_stopped, memory_order_relaxed)) {
		ssize_t size = read(session->read_fd, worker->request, REQUEST_SIZE_MAX);

		if (size > 0) {
			*ret = span_of(worker->request, (size_t)size);
			return 1;
		}
		if (size == 0 || errno == ENODEV)
			return 0;
		/* ENOENT: the request was interrupted before we got it. */
		if (errno != EINTR && errno != ENOENT && errno != EAGAIN)
			return -errno;
	}
	return 0;
}

/* Serve one request. Returns 1, 0 at the end of the connection, or -errno. */
static int worker_step(struct worker *worker)
{
	enum dispatch_result result;
	struct span request;
	int r;

	r = worker_receive(worker, &request);
	if (r <= 0)
		return r;
	result = dispatch(&worker->session->connection, request, &worker->reply, &worker->head);
	if (result == DISPATCH_SILENT)
		return 1;
	r = worker_send(worker);
	if (r < 0)
		return r;
	return result != DISPATCH_END;
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	int r;

	atomic_store(&worker->tid, gettid());
	do {
		r = worker_step(worker);
	} while (r > 0);
	atomic_store(&worker->tid, 0);
	worker->error = r;
	/* DESTROY, or an error that only this thread saw: nobody else would learn of it. */
	fuse_session_stop(worker->session);
	return NULL;
}

/* Signals of the process are for the caller's thread; faults are for whoever has them. */
static void block_signals(sigset_t *ret_previous)
{
	sigset_t set;

	(void)sigfillset(&set);
	(void)sigdelset(&set, WAKE_SIGNAL);
	(void)sigdelset(&set, SIGBUS);
	(void)sigdelset(&set, SIGSEGV);
	(void)sigdelset(&set, SIGFPE);
	(void)sigdelset(&set, SIGILL);
	(void)pthread_sigmask(SIG_SETMASK, &set, ret_previous);
}

/* Start all workers but the first, as far as possible. Returns how many serve then. */
static unsigned int workers_start(struct fuse_session *session)
{
	unsigned int count = 1;
	sigset_t previous;

	block_signals(&previous);
	for (; count < session->worker_count; count++) {
		struct worker *worker = &session->workers[count];
		int r = pthread_create(&worker->thread, NULL, worker_run, worker);

		if (r) {
			TRACE("fuse", "cannot start a thread: errno %d, continuing with %u", r,
			      count);
			break;
		}
	}
	(void)pthread_sigmask(SIG_SETMASK, &previous, NULL);
	return count;
}

/* Answer requests on the caller's thread until INIT is done. Returns 1, 0 at the end, or -errno. */
static int session_negotiate(struct fuse_session *session, struct diag *why)
{
	struct worker *worker = &session->workers[0];
	int r = 1;

	atomic_store(&worker->tid, gettid());
	while (r > 0 && !session->connection.is_negotiated) {
		r = worker_step(worker);
		if (worker->head.error == -EPROTO)
			return diag_set(why, -EOPNOTSUPP,
					"the kernel speaks FUSE 7.%u, at least 7.%u is needed",
					session->connection.kernel_minor, ABI_MINOR_MIN);
	}
	return r;
}

static void on_wake(int signal)
{
	(void)signal; /* the interrupted system call is all there is to it */
}

static int result_of(const struct fuse_session *session, unsigned int count, struct diag *why)
{
	for (unsigned int i = 0; i < count; i++) {
		int err = session->workers[i].error;

		if (err == -ECONNABORTED)
			return diag_set(why, err, "the connection was aborted by an administrator");
		if (err < 0)
			return diag_errno(why, err, "the connection to the kernel broke");
	}
	return 0;
}

int fuse_session_run(struct fuse_session *session, void (*ready)(void *), void *context,
		     struct diag *why)
{
	struct sigaction wake = {.sa_handler = on_wake}, previous;
	unsigned int count = 1;
	sigset_t wake_set, mask;
	int r;

	if (sigaction(WAKE_SIGNAL, &wake, &previous) < 0)
		return diag_errno(why, -errno, "cannot set a signal handler");
	(void)sigemptyset(&wake_set);
	(void)sigaddset(&wake_set, WAKE_SIGNAL);
	(void)pthread_sigmask(SIG_UNBLOCK, &wake_set, &mask);
	r = session_negotiate(session, why);
	if (r > 0) {
		count = workers_start(session);
		if (ready)
			ready(context);
		(void)worker_run(&session->workers[0]);
		for (unsigned int i = 1; i < count; i++)
			(void)pthread_join(session->workers[i].thread, NULL);
		r = result_of(session, count, why);
	} else {
		atomic_store(&session->workers[0].tid, 0);
		if (r < 0 && r != -EOPNOTSUPP)
			r = diag_errno(why, r, "the connection to the kernel broke");
	}
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
	(void)sigaction(WAKE_SIGNAL, &previous, NULL);
	return r;
}
