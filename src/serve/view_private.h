/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * view_private.h - a view, for the files that answer its requests
 *
 * nodeid: 1 is the root; any other inode has its nid + 2, so that 0 (none) and 1 are never met
 * twice.
 */
#ifndef LAMINA_SERVE_VIEW_PRIVATE_H
#define LAMINA_SERVE_VIEW_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "erofs/image.h"
#include "fuse/reply.h"
#include "serve/complaints.h"
#include "serve/inventory.h"
#include "serve/recent.h"
#include "serve/view.h"

struct verified; /* serve/verified.h */

/* Immutable after view_new(), but for what says how it is guarded itself: the last four. */
struct view {
	enum view_kind kind;
	const struct image *image;
	const struct mapping *mapping;
	int *object_fds; /* owned copy of the list; the descriptors are the caller's */
	size_t object_fd_count;
	uint64_t own_data_max; /* metadata-only: external files up to this are served here */
	enum view_verity verity;
	const struct idmaps *maps; /* or NULL */
	struct view_lazy lazy;     /* contents_fd -1: all contents are objects */
	bool in_initial_userns;    /* so trusted.* can be read by somebody */
	void (*report)(void *context, const char *message);
	void *report_context;
	bool always_opens;
	struct recent recent;
	struct complaints complaints;
	struct inventory inventory;
	struct verified *verified; /* owned; NULL when objects are believed */
};

/* The inode of a nodeid. Returns 0, -ESTALE for what we never gave out, or as image_inode(). */
int view_inode(const struct view *view, uint64_t nodeid, struct image_inode *ret);

/* r, or -EIO when bytes that led to it may have been those of a damaged mapping. */
int view_result(const struct view *view, int r);

/* Whether the contents of an external file are read here, not by overlayfs. */
bool view_serves_data(const struct view *view, const struct image_inode *inode);

/* Say once what is wrong with the object of an inode. err: 0, or why. */
void view_complain(struct view *view, const struct image_inode *inode, const char *what, int err);

/* serve/attributes.c */
uint64_t nodeid_of(const struct view *view, uint64_t nid);
struct fuse_attributes attributes_of_inode(const struct view *view,
					   const struct image_inode *inode);

/* Whether it is a whiteout of a composefs image with no overlayfs to hide it (section 4.5). */
bool view_hides(const struct view *view, const struct image_inode *inode);

/* Handlers */
int view_readdir(void *fs, uint64_t nodeid, uint64_t position, bool plus, struct fuse_reply *reply);
int view_getxattr(void *fs, uint64_t nodeid, struct span key, struct fuse_reply *reply);
int view_listxattr(void *fs, uint64_t nodeid, struct fuse_reply *reply);
int view_open(void *fs, uint64_t nodeid, int *ret_fd);
int view_find(void *fs, uint64_t nodeid, struct fuse_reply *reply);
int view_read(void *fs, uint64_t nodeid, uint64_t offset, size_t size, struct fuse_reply *reply);
int view_lseek(void *fs, uint64_t nodeid, uint64_t offset, int whence, uint64_t *ret);

#endif
