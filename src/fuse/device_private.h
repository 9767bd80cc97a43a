/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * device_private.h - a thread of /dev/fuse, for device.c and device_crowd.c
 */
#ifndef LAMINA_FUSE_DEVICE_PRIVATE_H
#define LAMINA_FUSE_DEVICE_PRIVATE_H

#include "fuse/clients.h"
#include "fuse/conduit.h"
#include "fuse/session_private.h"
#include "fuse/steer.h"

/* The longest request we want whole is a name; batches of forgets fill what there is. */
#define REQUEST_SIZE_MAX (4 * ABI_REQUEST_ROOM_MIN)

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

/* fuse/device.c */

/* Returns 1 with a request in *ret, 0 at the end of the connection, -EAGAIN or another error. */
int device_receive(struct channel *channel, struct fuse_session *session, struct span *ret);

/* Returns 1, 0 at the end of the connection, or -errno. */
int device_answer(struct channel *channel, struct fuse_session *session, struct span request);

/* Wake a thread that waits until it is needed, if there is one. */
void device_call_helper(struct fuse_session *session);

/* Who sent a request; 0 where that cannot be told: the dispatcher says what is wrong with it. */
uint32_t device_task_of(struct span request);

/* fuse/device_crowd.c */

/* Whether so many clients at once want a crowd. */
bool device_crowd_is_due(const struct fuse_session *session, unsigned int at_once);

/* The caller joins when it is done with its request. */
void device_crowd_call(struct channel *channel, struct fuse_session *session);

/* Poll as one of the crowd until it ends. Returns 1, 0 at the end of the connection, or -errno. */
int device_crowd_serve(struct worker *worker, struct crowd_member *member);

/* The first one, which was in the crowd, goes on alone. */
void device_crowd_dismiss(struct fuse_session *session);

#endif
