/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * session_private.h - what the loop and the opcodes share
 */
#ifndef LAMINA_FUSE_SESSION_PRIVATE_H
#define LAMINA_FUSE_SESSION_PRIVATE_H

#include "fuse/abi.h"
#include "fuse/reply.h"
#include "fuse/session.h"

/*
 * Pages a READ asks for at most. More gained nothing in throughput: the kernel's read-ahead, 128
 * KiB, decides about buffered reads.
 */
#define PAGES_MAX 64
#define REPLY_SIZE_MAX (PAGES_MAX * 4096u)

/* Immutable once the first request is answered. */
struct fuse_session {
	struct fuse_config config;
	int fd;
	bool is_ready; /* INIT has been answered */
};

/* One request. */
struct fuse_call {
	struct fuse_session *session;
	struct abi_in_header header;
	struct span arguments; /* behind the header, up to the request's length */
	struct fuse_reply reply;
};

/* What dispatch() returns for requests that have no reply. */
#define NO_REPLY 1

/*
 * Answer one request, of hostile bytes: fills call->header and call->reply. Returns 0, a negative
 * errno to reply, or NO_REPLY.
 */
int fuse_dispatch(struct fuse_call *call, struct span request);

/* The INIT request (init.c): agree with the kernel about what both can do. */
int fuse_init(struct fuse_call *call);

/* Copy size bytes of arguments into *ret. -EINVAL when the request is shorter. */
int call_arguments(const struct fuse_call *call, void *ret, size_t size);

/* Append a record to the reply. */
int call_answer(struct fuse_call *call, const void *record, size_t size);

#endif
