/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * dispatch.h - one request in, one reply out
 *
 * Knows no descriptor, so a test can play the kernel with plain bytes. The kernel is trusted to be
 * the kernel, but whoever opened the descriptor may hand it to anybody: the form of each request is
 * checked.
 */
#ifndef LAMINA_FUSE_DISPATCH_H
#define LAMINA_FUSE_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "fuse/abi.h"
#include "fuse/backing.h"
#include "fuse/reply.h"
#include "fuse/session.h"

/* Written by the thread that answers INIT, before others serve; immutable from then on. */
struct connection {
	struct fuse_config config;
	/* Make ready for FUSE over io_uring when INIT offers it. NULL: it is not wanted. */
	int (*rings_prepare)(void *context);
	void *rings_context;
	bool is_negotiated;
	bool is_too_old; /* the kernel, for us */
	uint32_t kernel_minor;
	uint64_t flags;            /* INIT_* in force */
	struct backings *backings; /* owned by the session; NULL: files are not opened */
};

/* A request as a transport got it: /dev/fuse gives it in one piece, io_uring in three. */
struct request_parts {
	struct abi_request head;
	struct span arguments; /* the fixed part of the opcode */
	struct span names;     /* what follows that */
};

struct request {
	struct connection *connection;
	struct request_parts parts;
	struct fuse_reply *reply;
};

enum dispatch_result {
	DISPATCH_REPLY,  /* send reply->parts, of which the first is *head */
	DISPATCH_SILENT, /* the request wants no reply */
	DISPATCH_END,    /* send the reply, then serve no more */
};

/* How many bytes of arguments stand before the names of an opcode; SIZE_MAX: all are arguments. */
size_t request_argument_size(uint32_t opcode);

/*
 * Answer a request. *reply has a buffer, and is_flat is set as the transport needs it; everything
 * else in it is set here. The names may lie in reply's buffer: a handler looks at them no more once
 * it adds to the reply.
 */
enum dispatch_result dispatch_parts(struct connection *connection,
				    const struct request_parts *parts, struct fuse_reply *reply,
				    struct abi_reply *head);

/* The same for a request in one piece, whose form is checked. */
enum dispatch_result dispatch(struct connection *connection, struct span bytes,
			      struct fuse_reply *reply, struct abi_reply *head);

/* Answer request in *head with err, throwing away what there is of a reply. */
void dispatch_fail(struct fuse_reply *reply, struct abi_reply *head, uint64_t unique, int err);

/* The first size bytes of the arguments into *ret. Returns false when there are fewer. */
bool request_take(const struct request *request, void *ret, size_t size);

/* The answer to INIT (fuse/init.c). Returns 0 or a negative errno for the kernel. */
int answer_init(struct request *request);

#endif
