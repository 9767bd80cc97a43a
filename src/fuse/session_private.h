/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * session_private.h - a session and its transports
 *
 * A transport is a way for requests to come and replies to go. Each of a session's threads has one:
 * /dev/fuse (fuse/device.c) always serves at least on the first, io_uring (fuse/ring.c) on further
 * ones where kernel and administrator offer it. Threads share the connection, immutable by then but
 * for what locks itself, and what lets them and the CPUs wait or keeps them awake.
 */
#ifndef LAMINA_FUSE_SESSION_PRIVATE_H
#define LAMINA_FUSE_SESSION_PRIVATE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/diag.h"
#include "fuse/crowd.h"
#include "fuse/dispatch.h"
#include "fuse/keeper.h"
#include "fuse/ledger.h"
#include "fuse/pace.h"
#include "fuse/session.h"

struct worker;

struct transport {
	bool ends_session; /* with its first worker, that is; the end of others changes nothing */
	/* Serve on the calling thread until the connection or the session ends: 0 or -errno. */
	int (*serve)(struct worker *worker);
	void (*channel_free)(void *channel);
};

struct worker {
	struct fuse_session *session;
	const struct transport *transport;
	void *channel; /* owned; the transport's own */
	pthread_t thread;
	_Atomic pid_t tid; /* 0: not in the kernel on our behalf */
	int error;         /* of its end; read after it was joined */
};

/* More threads than 64 only fight for the processors, unless most of them wait for others. */
#define WORKERS_MAX LEDGER_SLOT_COUNT

struct fuse_session {
	struct connection connection;
	int read_fd;  /* owned; at its end of file once stopped */
	int write_fd; /* owned */
	int ended_fd; /* owned; a pipe without a writer */
	atomic_bool is_stopped;
	sem_t help; /* wakes one of device.c's threads that wait until they are needed */
	atomic_uint waiting_helpers;
	struct crowd crowd;                 /* of device.c's threads */
	struct keepers *keepers;            /* owned; NULL: none */
	struct diag ring_why;               /* why there are no rings, if there are none */
	atomic_uint worker_count;           /* raised when the worker is complete: see stop */
	struct worker workers[WORKERS_MAX]; /* each its thread's own, but tid */
};

/* What ends the waits of a session's threads. Ignored by default, so a late one does no harm. */
#define WAKE_SIGNAL SIGURG

/* Keep the CPUs awake, but for one (-1: none), as long as a burst like this window goes on. */
void worker_keep_awake(const struct worker *worker, const struct pace_window *window, int busy_cpu);

/* Add a worker to those that a stop has to reach. Takes channel. */
void workers_publish(struct fuse_session *session, const struct transport *transport,
		     void *channel);

/* Forget workers that have no threads yet, down to count. */
void workers_withdraw(struct fuse_session *session, unsigned int count);

/* fuse/device.c. Add a worker. Returns 0 or -errno. */
int device_worker_add(struct fuse_session *session);

/* Serve one request from /dev/fuse. Returns 1, 0 at the end of the connection, or -errno. */
int device_step(struct worker *worker);

/*
 * fuse/ring.c. Add the workers of the rings, whose threads register with the kernel when they
 * start. Returns 0, or -errno, having added none, where this process gets no rings.
 */
int ring_workers_add(struct fuse_session *session, struct diag *why);

#endif
