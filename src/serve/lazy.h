/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazy.h - external files whose object is not known yet
 *
 * The name of an object is its fs-verity digest, and a layer's table of contents has none. In an
 * image that is made of such tables a file has, in the place of its digest, one of 64 bytes: the
 * SHA-256 of its contents, and 32 bytes that are the same for all and no hash of anything. The same
 * image may have files that are objects already.
 */
#ifndef LAMINA_SERVE_LAZY_H
#define LAMINA_SERVE_LAZY_H

#include <stdbool.h>

struct digest;      /* base/digest.h */
struct fuse_reply;  /* fuse/reply.h */
struct image_inode; /* erofs/image.h */
struct view;        /* serve/view.h */

/* What takes the place of a digest, for contents of that SHA-256; and back, where it is one. */
struct digest lazy_mark(const struct digest *contents);
bool lazy_unmark(const struct digest *mark, struct digest *ret);

/* Whether an external file has such a mark. */
bool lazy_contents_of(const struct view *view, const struct image_inode *inode, struct digest *ret);

/*
 * Open contents that are here, or have them brought; reply is told before that takes long. NULL:
 * there is nobody who may wait, and so they are not brought (-EAGAIN). Returns a descriptor the
 * caller owns, or -errno.
 */
int lazy_open(struct view *view, const struct digest *contents, struct fuse_reply *reply);

#endif
