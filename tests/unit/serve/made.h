/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * made.h - an image made from a dump, and what a view says of it
 */
#ifndef LAMINA_TESTS_SERVE_MADE_H
#define LAMINA_TESTS_SERVE_MADE_H

#include <stdint.h>

#include "base/buf.h"
#include "erofs/image.h"
#include "fuse/reply.h"
#include "fuse/session.h"
#include "serve/view.h"

/* user::rw-, user:0:rwx, group::r--, mask::rwx, other::r--, as the text of a dump. */
#define MADE_ACL                                                                                \
	"\\x02\\x00\\x00\\x00\\x01\\x00\\x06\\x00\\xff\\xff\\xff\\xff\\x02\\x00\\x07\\x00\\x00" \
	"\\x00\\x00\\x00\\x04\\x00\\x04\\x00\\xff\\xff\\xff\\xff\\x10\\x00\\x07\\x00\\xff\\xff" \
	"\\xff\\xff\\x20\\x00\\x04\\x00\\xff\\xff\\xff\\xff"

struct made {
	struct buf bytes;
	struct image image;
};

/* Everything that views treat differently; objects are those of made_objects(). */
extern const char made_dump[];

void made_open(struct made *made, const char *dump);
void made_release(struct made *made);

/* The size of made_dump's one external file, /d/ext, which is the object "ab/cdef". */
#define MADE_OBJECT_SIZE 5000

/* Write that object below directory fd. */
void made_objects(int dir_fd);

/* A reply that handlers may fill in, and its bytes in one piece. */
struct fuse_reply *made_reply(size_t limit);
struct span made_reply_bytes(struct fuse_reply *reply);

/* The nodeid of a path such as "d/ext", by lookup; 0 when there is none. */
uint64_t made_nodeid(struct view *view, const char *path);

#endif
