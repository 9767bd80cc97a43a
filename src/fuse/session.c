/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * session.c - the life of a session, whatever carries its requests
 *
 * INIT is answered on the caller's thread. Then each worker serves on a thread of its own, the
 * first on the caller's.
 *
 * Stopping costs the serving path nothing: fuse_session_stop() puts a descriptor at its end of file
 * in the place of the one that is read from, then sends each thread a signal. A thread that has not
 * entered read(2) yet finds the end of file; one that has is in the kernel with the old file, where
 * the pending signal ends its wait. Replies leave through a second descriptor, which stays what it
 * is. A ring's thread takes the signal only while it waits.
 */
#include "fuse/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/trace.h"
#include "base/workers.h"
#include "fuse/session_private.h"

/* More threads than this only fight for the descriptor: requests take some microseconds. */
#define THREADS_DEFAULT_MAX 4

static unsigned int worker_count_of(const struct fuse_config *config)
{
	unsigned int count = config->thread_count;

	if (count > WORKERS_MAX)
		return WORKERS_MAX;
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

void workers_publish(struct fuse_session *session, const struct transport *transport, void *channel)
{
	unsigned int count = atomic_load(&session->worker_count);
	struct worker *worker = &session->workers[count];

	/* fuse_session_stop() may run at any moment, on any thread, and looks at each tid. */
	worker->session = session;
	worker->transport = transport;
	worker->channel = channel;
	atomic_store(&session->worker_count, count + 1);
}

void workers_withdraw(struct fuse_session *session, unsigned int count)
{
	for (unsigned int i = atomic_load(&session->worker_count); i > count; i--) {
		atomic_store(&session->worker_count, i - 1);
		session->workers[i - 1].transport->channel_free(session->workers[i - 1].channel);
	}
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
	/* Its mailboxes begin on cache lines of their own, which calloc() does not promise. */
	CLEAN(session_freep)
	struct fuse_session *session =
		aligned_alloc(_Alignof(struct fuse_session), sizeof(*session));
	int r;

	if (!session)
		return -ENOMEM;
	memset(session, 0, sizeof(*session));
	session->connection.config = *config;
	session->read_fd = session->write_fd = session->ended_fd = -1;
	crowd_init(&session->crowd);
	if (sem_init(&session->help, 0, 0) < 0)
		return -errno;
	r = device_worker_add(session);
	if (r < 0)
		return r;
	session->ended_fd = ended_open();
	if (session->ended_fd < 0)
		return diag_errno(why, session->ended_fd, "cannot make a pipe");
	session->write_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (session->write_fd < 0)
		return diag_errno(why, -errno, "cannot duplicate the FUSE descriptor");
	r = make_blocking(fd);
	if (r < 0)
		return diag_errno(why, r, "cannot use the FUSE descriptor");
	if (config->passes_through) {
		r = backings_new(session->write_fd, &session->connection.backings);
		if (r < 0)
			return r;
	}
	session->read_fd = fd;
	*ret = TAKE(session);
	return 0;
}

void fuse_session_free(struct fuse_session *session)
{
	if (!session)
		return;
	for (unsigned int i = 0; i < session->worker_count; i++)
		session->workers[i].transport->channel_free(session->workers[i].channel);
	backings_free(session->connection.backings);
	fd_close(session->read_fd);
	fd_close(session->write_fd);
	fd_close(session->ended_fd);
	(void)sem_destroy(&session->help);
	free(session);
}

bool fuse_session_uses_ring(const struct fuse_session *session)
{
	return session->connection.flags & INIT_OVER_IO_URING;
}

bool fuse_session_passes_through(const struct fuse_session *session)
{
	return session->connection.flags & INIT_PASSTHROUGH;
}

void fuse_session_stop(struct fuse_session *session)
{
	int saved = errno;

	atomic_store(&session->is_stopped, true);
	(void)dup3(session->ended_fd, session->read_fd, O_CLOEXEC);
	for (unsigned int i = 0; i < session->worker_count; i++) {
		pid_t tid = atomic_load(&session->workers[i].tid);

		(void)sem_post(&session->help);
		if (tid)
			(void)syscall(SYS_tgkill, getpid(), tid, WAKE_SIGNAL);
	}
	errno = saved;
}

/* Longer than a window of a burst takes to come, so that there is no gap between two. */
#define WINDOWS_AWAKE 2

void worker_keep_awake(const struct worker *worker, const struct pace_window *window, int busy_cpu)
{
	if (window->is_burst)
		keepers_want(worker->session->keepers,
			     window->now_ns + WINDOWS_AWAKE * PACE_WINDOW * window->period_ns,
			     busy_cpu);
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	int r;

	atomic_store(&worker->tid, gettid());
	r = worker->transport->serve(worker);
	atomic_store(&worker->tid, 0);
	if (r < 0)
		worker->error = r;
	/* DESTROY, or an error that only this thread saw: nobody else would learn of it. */
	if (worker->transport->ends_session || worker->error < 0)
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
	if (session->connection.config.keeps_awake &&
	    keepers_new(fuse_session_uses_ring(session) ? KEEPER_IDLE : KEEPER_NICE,
			&session->keepers) < 0)
		TRACE("fuse", "no threads to keep the CPUs awake");
	for (; count < session->worker_count; count++) {
		struct worker *worker = &session->workers[count];
		int r = pthread_create(&worker->thread, NULL, worker_run, worker);

		if (r) {
			TRACE("fuse", "cannot start a thread: errno %d, continuing with %u", r,
			      count);
			/* Queues that nobody registers would hold back every request. */
			if (!worker->transport->ends_session) {
				session->workers[0].error = -r;
				fuse_session_stop(session);
			}
			break;
		}
	}
	(void)pthread_sigmask(SIG_SETMASK, &previous, NULL);
	return count;
}

/* INIT offers io_uring: called while it is answered. */
static int rings_prepare(void *context)
{
	struct fuse_session *session = context;

	return ring_workers_add(session, &session->ring_why);
}

static int device_workers_add(struct fuse_session *session, struct diag *why)
{
	const struct connection *connection = &session->connection;
	unsigned int count = worker_count_of(&connection->config);
	int r = 0;

	/* With rings, too, in case the kernel refuses them after all: they only wait. */
	if (!(connection->flags & INIT_OVER_IO_URING) &&
	    connection->config.transport == FUSE_TRANSPORT_RING)
		return diag_set(why, -EOPNOTSUPP, "no FUSE over io_uring here: %s",
				diag_text(&session->ring_why, -EOPNOTSUPP));
	for (unsigned int i = 1; r == 0 && i < count && session->worker_count < WORKERS_MAX; i++)
		r = device_worker_add(session);
	return r;
}

/* Answer requests on the caller's thread until INIT is done. Returns 1, 0 at the end, or -errno. */
static int session_negotiate(struct fuse_session *session, struct diag *why)
{
	struct connection *connection = &session->connection;
	struct worker *worker = &session->workers[0];
	int r = 1;

	(void)diag_set(&session->ring_why, -EOPNOTSUPP,
		       "the kernel does not offer it (/sys/module/fuse/parameters/enable_uring)");
	if (connection->config.transport != FUSE_TRANSPORT_DEVICE && !connection->config.ledger) {
		connection->rings_prepare = rings_prepare;
		connection->rings_context = session;
	}
	atomic_store(&worker->tid, gettid());
	while (r > 0 && !connection->is_negotiated) {
		r = device_step(worker);
		if (connection->is_too_old)
			return diag_set(why, -EOPNOTSUPP,
					"the kernel speaks FUSE 7.%u, at least 7.%u is needed",
					connection->kernel_minor, ABI_MINOR_MIN);
	}
	if (r <= 0)
		return r;
	r = device_workers_add(session, why);
	return r < 0 ? r : 1;
}

/* Go on where another server ended: what it had in hand comes again. */
static int session_resume(struct fuse_session *session, struct diag *why)
{
	const struct abi_reply resend = {.size = sizeof(resend), .error = NOTIFY_RESEND};
	struct connection *connection = &session->connection;
	int r;

	connection->kernel_minor = connection->config.ledger->kernel_minor;
	connection->flags = connection->config.ledger->flags;
	connection->is_negotiated = true;
	r = device_workers_add(session, why);
	if (r < 0)
		return r;
	r = fd_write(session->write_fd, &resend, sizeof(resend));
	if (r == -ENODEV || r == -ENOTCONN || r == -ECONNABORTED || r == -EPERM)
		return 0; /* unmounted meanwhile */
	return r < 0 ? diag_errno(why, r, "the kernel does not send again what was asked") : 1;
}

static void ledger_enter(const struct connection *connection)
{
	struct fuse_ledger *ledger = connection->config.ledger;

	if (!ledger)
		return;
	ledger->kernel_minor = connection->kernel_minor;
	ledger->flags = connection->flags;
	atomic_store(&ledger->is_negotiated, true);
}

static bool session_can_resume(const struct fuse_session *session)
{
	const struct fuse_ledger *ledger = session->connection.config.ledger;

	return ledger && atomic_load(&ledger->is_negotiated);
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
	r = session_can_resume(session) ? session_resume(session, why)
					: session_negotiate(session, why);
	if (r > 0) {
		ledger_enter(&session->connection);
		/* What is asked before the threads are there waits for them. */
		if (ready)
			ready(context);
		count = workers_start(session);
		(void)worker_run(&session->workers[0]);
		for (unsigned int i = 1; i < count; i++)
			(void)pthread_join(session->workers[i].thread, NULL);
		keepers_free(session->keepers);
		session->keepers = NULL;
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
