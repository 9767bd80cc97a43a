/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * attributes.c - inodes by the numbers that the kernel knows them by
 */
#include <errno.h>

#include "fuse/session.h"
#include "serve/ids.h"
#include "serve/view_private.h"

#define NODEID_ROOT 1
#define NODEID_FIRST 2 /* of nid 0 */

uint64_t nodeid_of(const struct view *view, uint64_t nid)
{
	return nid == view->image->root_nid ? NODEID_ROOT : nid + NODEID_FIRST;
}

int view_inode(const struct view *view, uint64_t nodeid, struct image_inode *ret)
{
	uint64_t nid = view->image->root_nid;
	int r;

	if (nodeid != NODEID_ROOT) {
		if (nodeid < NODEID_FIRST || nodeid - NODEID_FIRST == view->image->root_nid)
			return -ESTALE;
		nid = nodeid - NODEID_FIRST;
	}
	r = image_inode(view->image, nid, ret, NULL);
	return r < 0 ? view_result(view, r) : 0;
}

struct fuse_attributes attributes_of_inode(const struct view *view, const struct image_inode *inode)
{
	return (struct fuse_attributes){
		.ino = inode->nid, /* as the kernel's EROFS shows it */
		.size = inode->size,
		.mtime_sec = inode->mtime_sec,
		.mtime_nsec = inode->mtime_nsec,
		.mode = inode->mode,
		.nlink = inode->nlink,
		.uid = ids_uid(view->maps, inode->uid),
		.gid = ids_gid(view->maps, inode->gid),
		.rdev = inode->rdev,
	};
}

bool view_hides(const struct view *view, const struct image_inode *inode)
{
	return view->kind == VIEW_STANDALONE && view->image->is_composefs && S_ISCHR(inode->mode) &&
	       inode->rdev == 0;
}
