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
#include "fuse/reply.h"
#include "fuse/session.h"

/* Written by the thread that answers INIT, before others serve; immutable from then on. */
struct connection {
	struct fuse_config config;
	bool is_negotiated;
	uint32_t kernel_minor;
	uint64_t flags; /* INIT_* in force */
};

struct request {
	struct connection *connection;
	struct abi_request head;
	struct span arguments; /* behind the head */
	struct fuse_reply *reply;
};

enum dispatch_result {
	DISPATCH_REPLY,  /* send reply->parts, of which the first is *head */
	DISPATCH_SILENT, /* the request wants no reply */
	DISPATCH_END,    /* send the reply, then serve no more */
};

/* *reply has a buffer; everything else in it is set here. */
enum dispatch_result dispatch(struct connection *connection, struct span bytes,
			      struct fuse_reply *reply, struct abi_reply *head);

/* Answer request in *head with err, throwing away what there is of a reply. */
void dispatch_fail(struct fuse_reply *reply, struct abi_reply *head, uint64_t unique, int err);

/* The first size bytes of the arguments into *ret. Returns false when there are fewer. */
bool request_take(const struct request *request, void *ret, size_t size);

/* The answer to INIT (fuse/init.c). Returns 0 or a negative errno for the kernel. */
int answer_init(struct request *request);

#endif
