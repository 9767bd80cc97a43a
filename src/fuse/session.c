/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * session.c - threads that each read a request and write its reply
 *
 * Two system calls a request; no lock, no allocation, no state between requests.
 */
#include "fuse/session.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/trace.h"
#include "base/workers.h"
#include "fuse/session_private.h"

#define THREADS_DEFAULT_MAX 4 /* more than a few only take turns at the one queue */
#define THREADS_MAX 64

/* What a thread has for itself. */
struct lane {
	struct fuse_session *session;
	uint8_t *request; /* owned; ABI_READ_BUFFER_MIN bytes */
	uint8_t *reply;   /* owned; a header and REPLY_SIZE_MAX bytes */
	int error;
};

int fuse_session_new(int fd, const struct fuse_config *config, struct fuse_session **ret,
		     struct diag *why)
{
	struct fuse_session *session = calloc(1, sizeof(*session));

	(void)why;
	if (!session)
		return -ENOMEM;
	session->config = *config;
	session->fd = fd;
	*ret = session;
	return 0;
}

void fuse_session_free(struct fuse_session *session)
{
	free(session);
}

static int lane_open(struct fuse_session *session, struct lane *ret)
{
	*ret = (struct lane){
		.session = session,
		.request = malloc(ABI_READ_BUFFER_MIN),
		/* Mapped, not touched: only as much as replies are long is ever there. */
		.reply = malloc(sizeof(struct abi_out_header) + REPLY_SIZE_MAX),
	};
	return ret->request && ret->reply ? 0 : -ENOMEM;
}

static void lane_close(struct lane *lane)
{
	free(lane->request);
	free(lane->reply);
}

/* Returns 1 when the connection is gone, else 0: a reply nobody waits for any more is no error. */
static int reply_send(struct lane *lane, const struct fuse_call *call, int error)
{
	const struct fuse_reply *reply = &call->reply;
	struct abi_out_header header = {
		.len = (uint32_t)sizeof(header),
		.error = error,
		.unique = call->header.unique,
	};
	struct iovec parts[2] = {
		{.iov_base = lane->reply, .iov_len = sizeof(header)},
		{.iov_base = (void *)reply->tail.data, .iov_len = reply->tail.size},
	};
	int count = 1;

	if (error == 0) {
		header.len += (uint32_t)(reply->size + reply->tail.size);
		parts[0].iov_len += reply->size;
		count += reply->tail.size > 0;
	}
	memcpy(lane->reply, &header, sizeof(header));
	if (writev(lane->session->fd, parts, count) >= 0 || errno == ENOENT)
		return 0; /* ENOENT: the request was interrupted */
	if (errno == ENODEV || error)
		return errno == ENODEV;
	/* The kernel did not take it, say because the image shrank (EFAULT): then nothing but an
	 * error. */
	return reply_send(lane, call, -EIO);
}

static int serve_one(struct lane *lane, size_t size)
{
	struct fuse_call call = {
		.session = lane->session,
		.reply =
			{
				.data = lane->reply + sizeof(struct abi_out_header),
				.capacity = REPLY_SIZE_MAX,
				.limit = REPLY_SIZE_MAX,
			},
	};
	int r = fuse_dispatch(&call, span_of(lane->request, size));

	TRACE("fuse", "opcode %u nodeid %llu: %d, %zu bytes", call.header.opcode,
	      (unsigned long long)call.header.nodeid, r, call.reply.size + call.reply.tail.size);
	return r == NO_REPLY ? 0 : reply_send(lane, &call, r);
}

/* Serve until the file system is unmounted, or, with until_ready, until INIT is answered. */
static int lane_run(struct lane *lane, bool until_ready)
{
	while (!until_ready || !lane->session->is_ready) {
		ssize_t size = read(lane->session->fd, lane->request, ABI_READ_BUFFER_MIN);

		if (size < 0 && errno == ENODEV)
			return 0;
		/* ENOENT: the request was aborted before we got it. */
		if (size < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
			return -errno;
		if (size == 0)
			return 0; /* no device ends so, but a test's socket does */
		if (size > 0 && serve_one(lane, (size_t)size))
			return 0;
	}
	return 0;
}

static void *lane_thread(void *argument)
{
	struct lane *lane = argument;

	lane->error = lane_run(lane, false);
	return NULL;
}

static unsigned int thread_count(const struct fuse_config *config)
{
	unsigned int cpus = cpu_count();

	if (config->thread_count)
		return config->thread_count < THREADS_MAX ? config->thread_count : THREADS_MAX;
	return cpus < THREADS_DEFAULT_MAX ? cpus : THREADS_DEFAULT_MAX;
}

/* This thread and further ones serve; where a further one cannot be had, fewer do. */
static int lanes_run(struct fuse_session *session, struct lane *first)
{
	unsigned int wanted = thread_count(&session->config) - 1, started = 0;
	struct lane lanes[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	int error;

	while (started < wanted) {
		struct lane *lane = &lanes[started];

		if (lane_open(session, lane) < 0 ||
		    pthread_create(&threads[started], NULL, lane_thread, lane) != 0) {
			lane_close(lane);
			break;
		}
		started++;
	}
	error = lane_run(first, false);
	for (unsigned int i = 0; i < started; i++) {
		(void)pthread_join(threads[i], NULL);
		if (!error)
			error = lanes[i].error;
		lane_close(&lanes[i]);
	}
	return error;
}

int fuse_session_run(struct fuse_session *session, void (*ready)(void *), void *context,
		     struct diag *why)
{
	struct lane first;
	int r;

	r = lane_open(session, &first);
	if (r == 0)
		r = lane_run(&first, true);
	if (r == 0 && !session->is_ready)
		r = diag_set(why, -ENOTCONN, "the file system was gone before it was ready");
	if (r == 0) {
		if (ready)
			ready(context);
		r = lanes_run(session, &first);
	}
	lane_close(&first);
	return r == 0 || r == -ENOTCONN ? r : diag_errno(why, r, "read a request of the kernel");
}
