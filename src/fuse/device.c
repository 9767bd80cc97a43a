/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * device.c - requests read from one descriptor
 *
 * Two system calls a request: read(2) and writev(2). Threads share the descriptor and nothing else,
 * so there is no lock; the kernel hands each request to one of them.
 *
 * It hands them out in turn, to whatever CPU, so as long as one thread can do the work, one does
 * it, on the CPU where it is cheapest (fuse/steer.h). The others wait until it is busy all the time
 * or about to wait for a disk, and go back to waiting when they have little to do.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/trace.h"
#include "fuse/session_private.h"
#include "fuse/steer.h"

/* The longest request we want whole is a name; batches of forgets fill what there is. */
#define REQUEST_SIZE_MAX (4 * ABI_REQUEST_ROOM_MIN)

/* Windows in a row that are too much for one, until another is called. */
#define SATURATED_MIN 4

struct channel {
	struct abi_reply head; /* of the last reply */
	struct fuse_reply reply;
	struct pace pace;
	struct steer steer;
	bool is_helper;               /* not the first one */
	bool is_needed;               /* of a helper: to go on serving */
	unsigned int saturated_count; /* windows in a row */
	uint8_t request[REQUEST_SIZE_MAX];
};

static void channel_free(void *data)
{
	struct channel *channel = data;

	if (!channel)
		return;
	if (channel->reply.buffer)
		(void)munmap(channel->reply.buffer, channel->reply.capacity);
	free(channel);
}

static void channel_freep(struct channel **channel)
{
	channel_free(*channel);
}

/* Returns 0, or -errno when nothing can be sent any more. */
static int channel_send(struct channel *channel, int fd)
{
	struct fuse_reply *reply = &channel->reply;
	uint64_t unique = channel->head.unique;

	if (writev(fd, reply->parts, (int)reply->part_count) >= 0)
		return 0;
	/*
	 * A page of the image that cannot be read: the kernel has failed the request or still
	 * waits, as far as it came. EINVAL, E2BIG: an answer it does not like. Either way it gets
	 * an error instead.
	 */
	if (errno == EFAULT || errno == EINVAL || errno == E2BIG || errno == ENOMEM) {
		TRACE("fuse", "reply refused with errno %d, sending EIO", errno);
		dispatch_fail(reply, &channel->head, unique, -EIO);
		if (writev(fd, reply->parts, (int)reply->part_count) >= 0)
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
static int channel_receive(struct channel *channel, struct fuse_session *session, struct span *ret)
{
	while (!atomic_load_explicit(&session->is_stopped, memory_order_relaxed)) {
		ssize_t size = read(session->read_fd, channel->request, REQUEST_SIZE_MAX);

		if (size > 0) {
			*ret = span_of(channel->request, (size_t)size);
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

static void call_helper(struct fuse_session *session)
{
	if (atomic_load(&session->waiting_helpers) > 0)
		(void)sem_post(&session->help);
}

static void before_blocking(struct fuse_reply *reply)
{
	struct worker *worker = reply->worker;

	call_helper(worker->session);
}

static void worker_window(struct worker *worker, const struct pace_window *window)
{
	struct channel *channel = worker->channel;
	struct fuse_session *session = worker->session;

	channel->is_needed = window->is_saturated;
	if (channel->is_helper)
		return;
	channel->saturated_count = window->is_saturated ? channel->saturated_count + 1 : 0;
	if (channel->saturated_count == 0) {
		steer_window(&channel->steer, window);
		worker_keep_awake(worker, window, steer_cpu(&channel->steer));
	} else if (channel->saturated_count % SATURATED_MIN == 0) {
		call_helper(session);
	}
}

int device_step(struct worker *worker)
{
	struct channel *channel = worker->channel;
	struct fuse_session *session = worker->session;
	enum dispatch_result result;
	struct pace_window window;
	struct span request;
	int r;

	r = channel_receive(channel, session, &request);
	if (r <= 0)
		return r;
	if (pace_count(&channel->pace, 1, &window))
		worker_window(worker, &window);
	result = dispatch(&session->connection, request, &channel->reply, &channel->head);
	if (result == DISPATCH_SILENT)
		return 1;
	r = channel_send(channel, session->write_fd);
	if (r < 0)
		return r;
	return result != DISPATCH_END;
}

static int serve_while_needed(struct worker *worker)
{
	struct channel *channel = worker->channel;
	int r;

	channel->is_needed = true;
	pace_begin(&channel->pace);
	do {
		r = device_step(worker);
	} while (r > 0 && (channel->is_needed || !channel->is_helper));
	return r;
}

static int device_serve(struct worker *worker)
{
	struct channel *channel = worker->channel;
	struct fuse_session *session = worker->session;
	int r = 1;

	while (r > 0 && !atomic_load(&session->is_stopped)) {
		if (channel->is_helper) {
			atomic_fetch_add(&session->waiting_helpers, 1);
			r = sem_wait(&session->help);
			atomic_fetch_sub(&session->waiting_helpers, 1);
			if (r < 0) { /* a signal: to stop, perhaps */
				r = 1;
				continue;
			}
		}
		r = serve_while_needed(worker);
	}
	/* The first one is the caller's thread, whose CPU is not ours to choose any more. */
	steer_end(&channel->steer);
	return r < 0 ? r : 0;
}

static const struct transport transport_device = {
	.ends_session = true,
	.serve = device_serve,
	.channel_free = channel_free,
};

int device_worker_add(struct fuse_session *session)
{
	CLEAN(channel_freep) struct channel *channel = calloc(1, sizeof(*channel));
	void *buffer;

	if (!channel)
		return -ENOMEM;
	/* Mapped, so that only as much as answers have needed is ever there. */
	buffer = mmap(NULL, REPLY_READ_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (buffer == MAP_FAILED)
		return -errno;
	channel->reply.buffer = buffer;
	channel->reply.capacity = REPLY_READ_MAX;
	channel->is_helper = session->worker_count > 0;
	channel->reply.before_blocking = before_blocking;
	channel->reply.worker = &session->workers[session->worker_count];
	steer_init(&channel->steer);
	workers_publish(session, &transport_device, TAKE(channel));
	return 0;
}
