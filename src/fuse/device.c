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
#include "fuse/clients.h"
#include "fuse/conduit.h"
#include "fuse/session_private.h"
#include "fuse/steer.h"

/* The longest request we want whole is a name; batches of forgets fill what there is. */
#define REQUEST_SIZE_MAX (4 * ABI_REQUEST_ROOM_MIN)

/* Windows in a row that are too much for one, until another is called. */
#define SATURATED_MIN 4

/* Windows that a crowd lasts at most: some 50 ms, then it has to be found again. */
#define CROWD_WINDOWS_MAX 256

/* One that ends before was not worth it. */
#define CROWD_WINDOWS_MIN 16

#define CROWD_BACKOFF_MAX 256 /* windows */

struct channel {
	struct abi_reply head; /* of the last reply */
	struct fuse_reply reply;
	struct conduit conduit;
	struct pace pace;
	struct steer steer;
	bool is_helper;               /* not the first one */
	bool is_needed;               /* of a helper: to go on serving */
	unsigned int saturated_count; /* windows in a row */
	struct clients clients;
	struct ledger_slot *slot; /* of the session's ledger; NULL: none is kept */
	uint32_t crowd_patience;  /* windows until the next crowd may begin */
	uint32_t crowd_backoff;   /* windows to wait after one that was no good */
	uint8_t request[REQUEST_SIZE_MAX];
};

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

/* Returns 1 with a request in *ret, 0 at the end of the connection, -EAGAIN or another error. */
static int channel_receive(struct channel *channel, struct fuse_session *session, struct span *ret)
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
		r = channel_receive(channel, session, ret);
		if (r != -EAGAIN)
			return r;
		(void)poll(&wait, 1, -1); /* a signal: channel_receive() sees what it is about */
	}
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

static bool crowd_is_due(const struct fuse_session *session, unsigned int at_once)
{
	unsigned int seats = session->crowd.seat_count;

	return session->connection.config.keeps_awake && seats > 0 && at_once >= seats &&
	       atomic_load(&session->waiting_helpers) >= seats - 1;
}

/* The caller joins when it is done with its request. */
static void crowd_call(struct channel *channel, struct fuse_session *session)
{
	int flags = fcntl(session->read_fd, F_GETFL);

	if (flags < 0 || fcntl(session->read_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return;
	steer_end(&channel->steer);
	crowd_begin(&session->crowd);
	for (unsigned int i = 1; i < session->crowd.seat_count; i++)
		call_helper(session);
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
	else if (window->is_burst && crowd_is_due(session, at_once))
		crowd_call(channel, session);
	channel->saturated_count = window->is_saturated ? channel->saturated_count + 1 : 0;
	if (channel->saturated_count == 0)
		worker_keep_awake(worker, window, steer_cpu(&channel->steer));
	else if (channel->saturated_count % SATURATED_MIN == 0)
		call_helper(session);
}

/* Returns 1, 0 at the end of the connection, or -errno. */
static int answer(struct channel *channel, struct fuse_session *session, struct span request)
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

/* Who sent it; 0 where that cannot be told: the dispatcher says what is wrong with it. */
static uint32_t task_of(struct span request)
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
	clients_see(&channel->clients, task_of(request));
	if (!channel->is_helper && channel->saturated_count == 0 && steer_is_on(&channel->steer))
		steer_request(&channel->steer, pace_now_ns());
	if (pace_count(&channel->pace, 1, &window))
		worker_window(worker, &window);
	return answer(channel, session, request);
}

static int answer_handed_over(struct worker *worker, size_t size)
{
	struct channel *channel = worker->channel;

	if (channel->slot)
		ledger_count(&channel->slot->taken);
	return answer(channel, worker->session, span_of(channel->request, size));
}

/* One poll. Returns 1, 0 at the end of the connection, or -errno. */
static int crowd_poll(struct worker *worker, struct crowd_member *member, bool *ret_has_found)
{
	struct channel *channel = worker->channel;
	struct fuse_session *session = worker->session;
	size_t size = crowd_take(&session->crowd, member, channel->request);
	struct span request;
	int r;

	*ret_has_found = size > 0;
	if (size > 0)
		return answer_handed_over(worker, size);
	r = channel_receive(channel, session, &request);
	*ret_has_found = r > 0;
	if (r <= 0)
		return r == -EAGAIN ? 1 : r;
	if (!crowd_hand_over(&session->crowd, member, task_of(request), request))
		return answer(channel, session, request);
	if (channel->slot)
		ledger_count(&channel->slot->done);
	return r;
}

/* Poll as one of the crowd until it ends. */
static int serve_crowd(struct worker *worker, struct crowd_member *member)
{
	struct channel *channel = worker->channel;
	struct crowd *crowd = &worker->session->crowd;
	uint32_t served = 0;
	size_t left;
	int r = 1;

	while (r > 0 && crowd_is_on(crowd)) {
		bool has_found;

		r = crowd_poll(worker, member, &has_found);
		if (has_found && ++served % PACE_WINDOW == 0 && !channel->is_helper &&
		    (served >= CROWD_WINDOWS_MAX * PACE_WINDOW || !crowd_is_complete(crowd)))
			crowd_end(crowd);
		crowd_polled(crowd, member, has_found);
	}
	left = crowd_leave(crowd, member, channel->request);
	if (left > 0) {
		int last = answer_handed_over(worker, left);

		r = r > 0 ? last : r;
	}
	if (served >= CROWD_WINDOWS_MIN * PACE_WINDOW) {
		channel->crowd_backoff = 1;
	} else {
		channel->crowd_patience = channel->crowd_backoff;
		if (channel->crowd_backoff < CROWD_BACKOFF_MAX)
			channel->crowd_backoff *= 2;
	}
	return r;
}

/* The first one, which was in the crowd, goes on alone. */
static void crowd_dismiss(struct fuse_session *session)
{
	int flags = fcntl(session->read_fd, F_GETFL);

	crowd_end(&session->crowd);
	if (flags >= 0)
		(void)fcntl(session->read_fd, F_SETFL, flags & ~O_NONBLOCK);
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
				r = serve_crowd(worker, &member);
			crowd_dismiss(session);
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
			r = serve_crowd(worker, &member);
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
