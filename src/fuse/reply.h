/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * reply.h - where a handler puts an answer that has a size
 *
 * Bytes are collected in the thread's buffer; one span of bytes that stay where they are may follow
 * them and goes to the kernel without a copy. A reply never grows past what the request asked for.
 * Owned by the thread that serves the request.
 */
#ifndef LAMINA_FUSE_REPLY_H
#define LAMINA_FUSE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct fuse_attributes; /* fuse/session.h */

struct fuse_reply {
	uint8_t *data; /* of the session: the payload, room for the header is in front of it */
	size_t capacity;
	size_t size;
	size_t limit;     /* bytes the request asked for, at most capacity; tail included */
	struct span tail; /* sent behind data */
	bool counts_only; /* xattrs: only the size is asked for; nothing is kept */
};

/* Append a copy. -ERANGE past the limit. */
int reply_bytes(struct fuse_reply *reply, struct span bytes);

/* Append bytes that stay valid, without a copy; the last thing to be appended. -ERANGE past the
 * limit. */
int reply_span(struct fuse_reply *reply, struct span bytes);

/* Room to write size bytes to, which reply_grow() then counts; NULL past the limit. */
void *reply_space(struct fuse_reply *reply, size_t size);
void reply_grow(struct fuse_reply *reply, size_t size);

struct reply_dirent {
	struct span name;
	uint64_t next; /* position behind this entry */
	uint64_t ino;
	uint8_t type; /* DT_* */
	/* With READDIRPLUS: what a lookup would answer. nodeid 0 for "." and "..". */
	uint64_t nodeid;
	const struct fuse_attributes *attributes;
};

/* Append a directory entry. Returns false, and appends nothing, when it does not fit. */
bool reply_dirent(struct fuse_reply *reply, const struct reply_dirent *entry, bool plus);

#endif
