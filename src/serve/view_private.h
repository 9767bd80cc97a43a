/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * view_private.h - what the parts of a view share
 */
#ifndef LAMINA_SERVE_VIEW_PRIVATE_H
#define LAMINA_SERVE_VIEW_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "erofs/image.h"
#include "serve/handles.h"
#include "serve/view.h"

struct fuse_attributes; /* fuse/session.h */
struct fuse_reply;      /* fuse/reply.h */

/* Immutable after view_new(), but for the handles, which guard themselves. */
struct view {
	struct view_config config;
	struct handles *handles; /* owned; standalone only */
};

static inline const struct image *view_image(const struct view *view)
{
	return view->config.image;
}

/* -EIO when a page of the image could not be read: no answer can be trusted then. */
int view_check(const struct view *view);

/* The inode that nodeid means: 0, -ESTALE for what cannot be one, or -EIO. */
int view_inode(const struct view *view, uint64_t nodeid, struct image_inode *ret);

uint64_t view_nodeid(const struct view *view, uint64_t nid);
struct fuse_attributes view_attributes(const struct image_inode *inode);

/*
 * Whether a plain file system does not show this inode: a whiteout, of which composefs images have
 * 256 in the root directory (composefs-image.md, section 4.5).
 */
bool view_hides(const struct view *view, const struct image_inode *inode);

/* Handlers of their own files: readdir.c, xattr_names.c, contents.c. As in fuse/session.h. */
int view_readdir(void *fs, uint64_t nodeid, uint64_t position, bool plus, struct fuse_reply *reply);
int view_getxattr(void *fs, uint64_t nodeid, struct span key, struct fuse_reply *reply);
int view_listxattr(void *fs, uint64_t nodeid, struct fuse_reply *reply);
int view_open(void *fs, uint64_t nodeid, uint64_t *ret_handle);
void view_release(void *fs, uint64_t nodeid, uint64_t handle);
int view_read(void *fs, uint64_t nodeid, uint64_t handle, uint64_t offset, size_t size,
	      struct fuse_reply *reply);

#endif
