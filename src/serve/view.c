/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/view.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "erofs/mapping.h"
#include "fuse/session.h"
#include "serve/verified.h"
#include "serve/view_private.h"

/* The inode number of /proc/self/ns/user there (Linux, include/linux/proc_ns.h, since 3.8). */
#define INITIAL_USERNS_INO 0xeffffffdu

int view_result(const struct view *view, int r)
{
	return view->mapping && mapping_is_damaged(view->mapping) ? -EIO : r;
}

static int view_lookup(void *fs, uint64_t parent, struct span name, uint64_t *ret_nodeid,
		       struct fuse_attributes *ret)
{
	const struct view *view = fs;
	struct image_inode inode;
	struct image_dirent entry;
	int r;

	r = view_inode(view, parent, &inode);
	if (r < 0)
		return r;
	/* Of any inode: how the kernel finds one again that a file handle names. */
	if (!span_equal(name, SPAN_LITERAL("."))) {
		r = image_lookup(view->image, &inode, name, &entry, NULL);
		if (r == 0)
			r = image_inode(view->image, entry.nid, &inode, NULL);
		if (r < 0)
			return view_result(view, r);
		if (view_hides(view, &inode))
			return -ENOENT;
	}
	*ret_nodeid = nodeid_of(view, inode.nid);
	*ret = attributes_of_inode(view, &inode);
	return view_result(view, 0);
}

static int view_getattr(void *fs, uint64_t nodeid, struct fuse_attributes *ret)
{
	const struct view *view = fs;
	struct image_inode inode;
	int r;

	r = view_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	*ret = attributes_of_inode(view, &inode);
	return view_result(view, 0);
}

static int view_readlink(void *fs, uint64_t nodeid, struct span *ret)
{
	const struct view *view = fs;
	struct image_inode inode;
	int r;

	r = view_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	return view_result(view, image_readlink(view->image, &inode, ret, NULL));
}

static int view_statfs(void *fs, struct fuse_statfs *ret)
{
	const struct view *view = fs;

	*ret = (struct fuse_statfs){
		.blocks = view->image->block_count,
		.files = view->image->inode_count,
		.block_size = 1u << view->image->block_bits,
		.name_max = NAME_SIZE_MAX,
	};
	return 0;
}

static const struct fuse_handlers handlers = {
	.lookup = view_lookup,
	.getattr = view_getattr,
	.readlink = view_readlink,
	.open = view_open,
	.find = view_find,
	.read = view_read,
	.readdir = view_readdir,
	.getxattr = view_getxattr,
	.listxattr = view_listxattr,
	.statfs = view_statfs,
	.lseek = view_lseek,
};

const struct fuse_handlers *view_handlers(const struct view *view)
{
	(void)view;
	return &handlers;
}

static bool in_initial_userns(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino == INITIAL_USERNS_INO;
}

static void view_freep(struct view **view)
{
	view_free(*view);
}

static int copy_objects(struct view *view, const struct view_config *config)
{
	if (config->object_fd_count == 0)
		return 0;
	view->object_fds = calloc(config->object_fd_count, sizeof(view->object_fds[0]));
	if (!view->object_fds)
		return -ENOMEM;
	memcpy(view->object_fds, config->object_fds,
	       config->object_fd_count * sizeof(view->object_fds[0]));
	view->object_fd_count = config->object_fd_count;
	return 0;
}

int view_new(const struct view_config *config, struct view **ret, struct diag *why)
{
	CLEAN(view_freep) struct view *view = calloc(1, sizeof(*view));
	int r;

	if (!view)
		return -ENOMEM;
	view->kind = config->kind;
	view->image = config->image;
	view->mapping = config->mapping;
	view->own_data_max = config->own_data_max;
	view->verity = config->verity;
	view->maps = config->maps;
	view->always_opens = config->always_opens;
	view->lazy = config->lazy ? *config->lazy : (struct view_lazy){.contents_fd = -1};
	view->report = config->report;
	view->report_context = config->report_context;
	view->in_initial_userns = in_initial_userns();
	r = copy_objects(view, config);
	if (r < 0)
		return diag_errno(why, r, "cannot set up the list of object directories");
	if (config->verity != VIEW_VERITY_OFF && config->object_fd_count > 0) {
		r = verified_new(&view->verified, why);
		if (r < 0)
			return r;
	}
	*ret = TAKE(view);
	return 0;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	inventory_release(view);
	recent_close(&view->recent);
	verified_free(view->verified);
	free(view->object_fds);
	free(view);
}
