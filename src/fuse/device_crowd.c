/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * device_crowd.c - threads of /dev/fuse while they poll as a crowd (fuse/crowd.h)
 */
#include <errno.h>
#include <fcntl.h>

#include "fuse/device_private.h"

/* Windows that a crowd lasts at most: some 50 ms, then it has to be found again. */
#define CROWD_WINDOWS_MAX 256

/* One that ends before was not worth it. */
#define CROWD_WINDOWS_MIN 16

#define CROWD_BACKOFF_MAX 256 /* windows */

bool device_crowd_is_due(const struct fuse_session *session, unsigned int at_once)
{
	unsigned int seats = session->crowd.seat_count;

	return session->connection.config.keeps_awake && seats > 0 && at_once >= seats &&
	       atomic_load(&session->waiting_helpers) >= seats - 1;
}

void device_crowd_call(struct channel *channel, struct fuse_session *session)
{
	int flags = fcntl(session->read_fd, F_GETFL);

	if (flags < 0 || fcntl(session->read_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return;
	steer_end(&channel->steer);
	crowd_begin(&session->crowd);
	for (unsigned int i = 1; i < session->crowd.seat_count; i++)
		device_call_helper(session);
}

static int answer_handed_over(struct worker *worker, size_t size)
{
	struct channel *channel = worker->channel;

	if (channel->slot)
		ledger_count(&channel->slot->taken);
	return device_answer(channel, worker->session, span_of(channel->request, size));
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
	r = device_receive(channel, session, &request);
	*ret_has_found = r > 0;
	if (r <= 0)
		return r == -EAGAIN ? 1 : r;
	if (!crowd_hand_over(&session->crowd, member, device_task_of(request), request))
		return device_answer(channel, session, request);
	if (channel->slot)
		ledger_count(&channel->slot->done);
	return r;
}

int device_crowd_serve(struct worker *worker, struct crowd_member *member)
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

void device_crowd_dismiss(struct fuse_session *session)
{
	int flags = fcntl(session->read_fd, F_GETFL);

	crowd_end(&session->crowd);
	if (flags >= 0)
		(void)fcntl(session->read_fd, F_SETFL, flags & ~O_NONBLOCK);
}
