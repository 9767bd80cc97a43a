/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * reply.h - where a handler puts an answer that has a size
 *
 * Bounded by what the kernel asked for, so a handler cannot answer too much. Bytes that outlive the
 * request (an image in memory) are only pointed at, unless the transport wants all in one piece;
 * the rest is copied into a buffer the thread owns. Nothing is allocated. Owned by one thread.
 */
#ifndef LAMINA_FUSE_REPLY_H
#define LAMINA_FUSE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/span.h"
#include "fuse/session.h"

/*
 * The longest READ or READDIRPLUS. The kernel reads ahead in pieces of 128 KiB, whatever it is
 * allowed (/sys/class/bdi), so more would only be memory that is touched by O_DIRECT.
 */
#define REPLY_READ_MAX (128u << 10)
#define REPLY_PARTS_MAX 32 /* an image's file is one or two extents; more are copied */

struct conduit; /* fuse/conduit.h */
struct worker;  /* fuse/session_private.h */

struct fuse_reply {
	uint8_t *buffer; /* owned by the thread */
	size_t capacity;
	size_t used; /* of buffer */
	size_t size; /* of the answer so far; when is_query, what it would be */
	size_t limit;
	bool is_flat;  /* the answer has to be in buffer as a whole: no parts */
	bool is_query; /* the size of an xattr or list is asked for, not its bytes */
	/* Of the transport: called before a handler waits for a disk. NULL: nothing to do. */
	void (*before_blocking)(struct fuse_reply *reply);
	/* The same: called now and then by one that waits for somebody else. */
	void (*while_waiting)(struct fuse_reply *reply);
	struct worker *worker;   /* its own */
	struct conduit *conduit; /* of a transport that takes files; NULL: bytes only */
	bool is_in_conduit;      /* the whole of the answer, head included */
	uint32_t caller_uid;     /* as the mount's user namespace sees it; UINT32_MAX: not said */
	uint32_t part_count;
	struct iovec parts[1 + REPLY_PARTS_MAX]; /* [0] is the header's */
};

/* Say that the answer will take long, so that somebody else takes the next request. */
void reply_will_block(struct fuse_reply *reply);

/* Say, every minute at least, that the answer has not been forgotten: a supervisor ends a server
 * that has had the same request in hand for long. */
void reply_still_waits(struct fuse_reply *reply);

/*
 * Read a byte of each page of the answer. A process that is killed while the kernel waits for such
 * a page has its answer taken for a failure; killed here, it has not answered, and another can.
 */
void reply_touch(const struct fuse_reply *reply);

/* Bytes that may still be added. */
size_t reply_room(const struct fuse_reply *reply);

/*
 * Add bytes that stay where they are until the session ends: large ones are not copied.
 * Returns 0, or -ERANGE when there is no room.
 */
int reply_span(struct fuse_reply *reply, struct span bytes);

/*
 * Answer with size bytes of a file from offset on, without having them read. Returns false, having
 * added nothing, where the transport takes none, or those bytes are not to be had that way: then
 * they have to be read. The answer is empty before, and nothing is added to it afterwards.
 */
bool reply_takes_file(const struct fuse_reply *reply, size_t size); /* whether to try */
bool reply_file(struct fuse_reply *reply, int fd, uint64_t offset, size_t size);

/* Add a copy. Returns 0 or -ERANGE. */
int reply_copy(struct fuse_reply *reply, struct span bytes);
int reply_zeros(struct fuse_reply *reply, size_t size);

/*
 * size bytes of the buffer to fill in, or NULL when there is no room. They count as added; what was
 * not needed of the last claim goes back with reply_unclaim().
 */
void *reply_claim(struct fuse_reply *reply, size_t size);
void reply_unclaim(struct fuse_reply *reply, size_t size);

struct fuse_dirent {
	struct span name;
	uint64_t ino;
	uint64_t next; /* the position of the entry after this */
	uint8_t type;  /* DT_* of readdir(3) */
	/* Of readdirplus only: 0 where the kernel shall look the name up itself, as for "." and
	 * "..". */
	uint64_t nodeid;
	struct fuse_attributes attributes; /* when nodeid is not 0 */
};

/* Add an entry. Returns false, adding nothing, when it does not fit any more: the reply is full. */
bool reply_dirent(struct fuse_reply *reply, bool plus, const struct fuse_dirent *entry);

#endif
