/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * device.c - requests read from one descriptor
 *
 * Two system calls a request: read(2) and writev(2). Threads share the descriptor and nothing else,
 * so there is no lock; the kernel hands each request to one of them.
 *
 * It hands them out in turn, to whatever CPU, so as long as one thread can do the work, one does
 * it, on the CPU where it is cheapest (fuse/steer.h). The others wait until it is busy all the time
 * or about to wait for a disk, and go back to waiting when they have little to do. With a client
 * on each CPU, a thread polls on each (fuse/crowd.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/trace.h"
#include "fuse/device_private.h"

/* Windows in a row that are too much for one, until another is called. */
#define SATURATED_MIN 4

static void channel_free(void *data)
{
	struct channel *channel = data;

	if (!channel)
		return;
	conduit_close(&channel->conduit);
	if (channel->reply.buffer)
		(void)munmap(channel->reply.buffer, channel->reply.capacity);
	free(channel);
}

static void channel_freep(struct channel **channel)
{
	channel_free(*channel);
}

/* Returns 0 or -errno. */
static int reply_write(struct channel *channel, int fd)
{
	const struct fuse_reply *reply = &channel->reply;

	if (reply->is_in_conduit)
		return conduit_send(&channel->conduit, fd);
	return writev(fd, reply->parts, (int)reply->part_count) < 0 ? -errno : 0;
}

/* Returns 0, or -errno when nothing can be sent any more. */
static int channel_send(struct channel *channel, int fd)
{
	struct fuse_reply *reply = &channel->reply;
	uint64_t unique = channel->head.unique;
	int r;

	if (channel->slot)
		reply_touch(reply);
	r = reply_write(channel, fd);
	if (r >= 0)
		return 0;
	/*
	 * A page of the image that cannot be read: the kernel has failed the request or still
	 * waits, as far as it came. EINVAL, E2BIG: an answer it does not like. Either way it gets
	 * an error instead.
	 */
	if (r == -EFAULT || r == -EINVAL || r == -E2BIG || r == -ENOMEM || r == -EIO) {
		TRACE("fuse", "reply refused with errno %d, sending EIO", -r);
		dispatch_fail(reply, &channel->head, unique, -EIO);
		r = reply_write(channel, fd);
		if (r >= 0)
			return 0;
	}
	/* The request was interrupted, or was failed above; an unmount is noticed by the next read.
	 */
	if (r == -ENOENT || r == -ENODEV || r == -EFAULT || r == -EINVAL || r == -ECONNABORTED ||
	    r == -EPERM || r == -EPIPE)
		return 0;
	return r;
}

int device_receive(struct channel *channel, struct fuse_session *session, struct span *ret)
{
	while (!atomic_load_explicit(&session->is_stopped, memory_order_relaxed)) {
		ssize_t size = read(session->read_fd, channel->request, REQUEST_SIZE_MAX);

		if (size > 0) {
			if (channel->slot)
				ledger_count(&channel->slot->taken);
			*ret = span_of(channel->request, (size_t)size);
			return 1;
		}
		if (size == 0 || errno == ENODEV)
			return 0;
		/* ENOENT: the request was interrupted before we got it. */
		if (errno != EINTR && errno != ENOENT)
			return -errno;
	}
	return 0;
}

/* The same, for a thread that is not in the crowd: one may have made the descriptor impatient. */
static int channel_wait(struct channel *channel, struct fuse_session *session, struct span *ret)
{
	struct pollfd wait = {.fd = session->read_fd, .events = POLLIN};
	int r;

	for (;;) {
		r = device_receive(channel, session, ret);
		if (r != -EAGAIN)
			return r;
		(void)poll(&wait, 1, -1); /* a signal: device_receive() sees what it is about */
	}
}

void device_call_helper(struct fuse_session *session)
{
	if (atomic_load(&session->waiting_helpers) > 0)
		(void)sem_post(&session->help);
}

static void before_blocking(struct fuse_reply *reply)
{
	struct worker *worker = reply->worker;

	device_call_helper(worker->session);
}

/* What looks for a thread that is stuck sees that something moves, and the same in hand as before.
 */
static void while_waiting(struct fuse_reply *reply)
{
	struct channel *channel = reply->worker->channel;

	if (!channel->slot)
		return;
	ledger_count(&channel->slot->taken);
	ledger_count(&channel->slot->done);
}

static void worker_window(struct worker *worker, const struct pace_window *window)
{
	struct channel *channel = worker->channel;
	struct fuse_session *session = worker->session;

	unsigned int at_once = clients_at_once(&channel->clients);

	channel->is_needed = window->is_saturated;
	if (channel->is_helper)
		return;
	if (channel->crowd_patience > 0)
		channel->crowd_patience--;
	else if (window->is_burst && device_crowd_is_due(session, at_once))
		device_crowd_call(channel, session);
	channel->saturated_count = window->is_saturated ? channel->saturated_count + 1 : 0;
	if (channel->saturated_count == 0)
		worker_keep_awake(worker, window, steer_cpu(&channel->steer));
	else if (channel->saturated_count % SATURATED_MIN == 0)
		device_call_helper(session);
}

int device_answer(struct channel *channel, struct fuse_session *session, struct span request)
{
	enum dispatch_result result;
	int r;

	result = dispatch(&session->connection, request, &channel->reply, &channel->head);
	r = result == DISPATCH_SILENT ? 0 : channel_send(channel, session->write_fd);
	if (channel->slot)
		ledger_count(&channel->slot->done);
	if (r < 0)
		return r;
	return result != DISPATCH_END;
}

uint32_t device_task_of(struct span request)
{
	struct abi_request head;

	if (request.size < sizeof(head))
		return 0;
	memcpy(&head, request.data, sizeof(head));
	return head.pid;
}

int device_step(struct worker *worker)
{
	struct channel *channel = worker->channel;
	struct fuse_session *session = worker->session;
	struct pace_window window;
	struct span request;
	int r;

	r = channel_wait(channel, session, &request);
	if (r <= 0)
		return r;
	clients_see(&channel->clients, device_task_of(request));
	if (!channel->is_helper && channel->saturated_count == 0 && steer_is_on(&channel->steer))
		steer_request(&channel->steer, pace_now_ns());
	if (pace_count(&channel->pace, 1, &window))
		worker_window(worker, &window);
	return device_answer(channel, session, request);
}

static int serve_while_needed(struct worker *worker)
{
	struct channel *channel = worker->channel;
	struct fuse_session *session = worker->session;
	struct crowd_member member;
	int r;

	channel->is_needed = true;
	pace_begin(&channel->pace);
	do {
		r = device_step(worker);
		if (r > 0 && !channel->is_helper && crowd_is_on(&session->crowd)) {
			if (crowd_join(&session->crowd, &member))
				r = device_crowd_serve(worker, &member);
			device_crowd_dismiss(session);
			channel->clients = (struct clients){0};
			pace_begin(&channel->pace);
		}
	} while (r > 0 && (channel->is_needed || !channel->is_helper));
	return r;
}

static int device_serve(struct worker *worker)
{
	struct channel *channel = worker->channel;
	struct fuse_session *session = worker->session;
	struct crowd_member member;
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
		if (channel->is_helper && crowd_join(&session->crowd, &member))
			r = device_crowd_serve(worker, &member);
		else
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

/* Pages of it are there before the kernel writes to them, for the reason of reply_touch(). */
static void request_touch(struct channel *channel)
{
	volatile uint8_t *bytes = channel->request;

	for (size_t at = 0; at < sizeof(channel->request); at += ABI_REQUEST_ROOM_MIN / 2)
		bytes[at] = 0;
}

int device_worker_add(struct fuse_session *session)
{
	CLEAN(channel_freep) struct channel *channel = calloc(1, sizeof(*channel));
	void *buffer;

	if (!channel)
		return -ENOMEM;
	channel->conduit = CONDUIT_CLOSED;
	/* Mapped, so that only as much as answers have needed is ever there. */
	buffer = mmap(NULL, REPLY_READ_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (buffer == MAP_FAILED)
		return -errno;
	channel->reply.buffer = buffer;
	channel->reply.capacity = REPLY_READ_MAX;
	channel->reply.conduit = &channel->conduit;
	channel->is_helper = session->worker_count > 0;
	if (session->connection.config.ledger) {
		channel->slot = &session->connection.config.ledger->slots[session->worker_count];
		request_touch(channel);
	}
	channel->reply.before_blocking = before_blocking;
	channel->reply.while_waiting = while_waiting;
	channel->reply.worker = &session->workers[session->worker_count];
	channel->crowd_backoff = 1;
	steer_init(&channel->steer);
	workers_publish(session, &transport_device, TAKE(channel));
	return 0;
}
