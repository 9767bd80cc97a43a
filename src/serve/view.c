/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/view.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "erofs/disk.h"
#include "erofs/mapping.h"
#include "fuse/session.h"
#include "serve/view_private.h"

/*
 * nodeid 1 is the root, as FUSE has it; any other inode is its nid and two, so that no nid becomes
 * 0 or 1. A nid is below 2^59: it counts slots of 32 bytes.
 */
#define NODEID_ROOT 1u
#define NODEID_OFFSET 2u

uint64_t view_nodeid(const struct view *view, uint64_t nid)
{
	return nid == view_image(view)->root_nid ? NODEID_ROOT : nid + NODEID_OFFSET;
}

int view_check(const struct view *view)
{
	return view->config.mapping && mapping_is_damaged(view->config.mapping) ? -EIO : 0;
}

int view_inode(const struct view *view, uint64_t nodeid, struct image_inode *ret)
{
	uint64_t nid = nodeid - NODEID_OFFSET;
	int r;

	if (nodeid < NODEID_ROOT)
		return -ESTALE;
	if (nodeid == NODEID_ROOT)
		nid = view_image(view)->root_nid;
	r = image_inode(view_image(view), nid, ret, NULL);
	if (r == 0)
		r = view_check(view);
	return r == -EUCLEAN || r == -EOPNOTSUPP ? -EIO : r;
}

struct fuse_attributes view_attributes(const struct image_inode *inode)
{
	bool has_size = S_ISREG(inode->mode) || S_ISDIR(inode->mode) || S_ISLNK(inode->mode);
	bool is_device = S_ISCHR(inode->mode) || S_ISBLK(inode->mode);

	return (struct fuse_attributes){
		.ino = inode->nid,
		.size = has_size ? inode->size : 0,
		.mtime_sec = inode->mtime_sec,
		.mtime_nsec = inode->mtime_nsec,
		.mode = inode->mode,
		.nlink = inode->nlink,
		.uid = inode->uid,
		.gid = inode->gid,
		.rdev = is_device ? inode->rdev : 0,
	};
}

bool view_hides(const struct view *view, const struct image_inode *inode)
{
	return view->config.kind == VIEW_STANDALONE && view_image(view)->is_composefs &&
	       S_ISCHR(inode->mode) && inode->rdev == 0;
}

static int view_lookup(void *fs, uint64_t parent, struct span name, uint64_t *ret_nodeid,
		       struct fuse_attributes *ret)
{
	const struct view *view = fs;
	struct image_inode dir, inode;
	struct image_dirent entry;
	int r;

	r = view_inode(view, parent, &dir);
	if (r < 0)
		return r;
	r = image_lookup(view_image(view), &dir, name, &entry, NULL);
	if (r == 0)
		r = image_inode(view_image(view), entry.nid, &inode, NULL);
	/* A damaged image may miss what is there: no "no" of it goes into the kernel's cache. */
	if (view_check(view) < 0 || r == -EUCLEAN || r == -EOPNOTSUPP)
		return -EIO;
	if (r < 0)
		return r;
	if (view_hides(view, &inode))
		return -ENOENT;
	*ret_nodeid = view_nodeid(view, entry.nid);
	*ret = view_attributes(&inode);
	return 0;
}

static int view_getattr(void *fs, uint64_t nodeid, struct fuse_attributes *ret)
{
	struct image_inode inode;
	int r = view_inode(fs, nodeid, &inode);

	if (r == 0)
		*ret = view_attributes(&inode);
	return r;
}

static int view_readlink(void *fs, uint64_t nodeid, struct span *ret)
{
	const struct view *view = fs;
	struct image_inode inode;
	int r;

	r = view_inode(view, nodeid, &inode);
	if (r == 0)
		r = image_readlink(view_image(view), &inode, ret, NULL);
	if (r == 0)
		r = view_check(view);
	return r == -EUCLEAN ? -EIO : r;
}

static int view_statfs(void *fs, struct fuse_statfs *ret)
{
	const struct image *image = view_image(fs);

	*ret = (struct fuse_statfs){
		.blocks = image->block_count,
		.files = image->inode_count,
		.block_size = 1u << image->block_bits,
	};
	return view_check(fs);
}

static const struct fuse_handlers handlers = {
	.lookup = view_lookup,
	.getattr = view_getattr,
	.readlink = view_readlink,
	.open = view_open,
	.release = view_release,
	.read = view_read,
	.readdir = view_readdir,
	.getxattr = view_getxattr,
	.listxattr = view_listxattr,
	.statfs = view_statfs,
};

int view_new(const struct view_config *config, struct view **ret, struct diag *why)
{
	CLEAN(memory_freep) struct view *view = calloc(1, sizeof(*view));

	(void)why;
	if (!view)
		return -ENOMEM;
	view->config = *config;
	if (config->kind == VIEW_STANDALONE) {
		view->handles = handles_new();
		if (!view->handles)
			return -ENOMEM;
	}
	*ret = TAKE(view);
	return 0;
}

void view_free(struct view *view)
{
	if (view)
		handles_free(view->handles);
	free(view);
}

const struct fuse_handlers *view_handlers(const struct view *view)
{
	(void)view;
	return &handlers;
}
