/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * contents.c - bytes of files: those in the image as they lie there, others from objects
 */
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "serve/objects.h"
#include "serve/view_private.h"

static int regular_inode(const struct view *view, uint64_t nodeid, struct image_inode *ret)
{
	int r = view_inode(view, nodeid, ret);

	if (r < 0)
		return r;
	if (S_ISDIR(ret->mode))
		return -EISDIR;
	return S_ISREG(ret->mode) ? 0 : -EINVAL;
}

/* -1 where the image has the contents itself. */
static int contents_open(struct view *view, uint64_t nodeid, struct fuse_reply *reply, int *ret_fd)
{
	struct image_inode inode;
	int fd = -1, r;

	r = regular_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	if (image_inode_is_external(view->image, &inode)) {
		fd = view_serves_data(view, &inode) ? object_open_of(view, &inode, reply) : -EIO;
		if (fd < 0)
			return fd;
	}
	*ret_fd = fd;
	return 0;
}

int view_open(void *fs, uint64_t nodeid, int *ret_fd)
{
	struct view *view = fs;

	return view_result(view, contents_open(view, nodeid, NULL, ret_fd));
}

int view_find(void *fs, uint64_t nodeid, struct fuse_reply *reply)
{
	CLEAN(fd_closep) int fd = -1;
	struct view *view = fs;

	if (!view->always_opens && inventory_is_complete(view))
		return -ENOSYS;
	return view_result(view, contents_open(view, nodeid, reply, &fd));
}

static int read_image(const struct view *view, const struct image_inode *inode, uint64_t offset,
		      size_t size, struct fuse_reply *reply)
{
	struct image_extent extent;
	int r = 0;

	while (size > 0 && (r = image_extent(view->image, inode, offset, &extent, NULL)) > 0) {
		size_t part = extent.size < size ? (size_t)extent.size : size;

		r = extent.is_hole ? reply_zeros(reply, part)
				   : reply_span(reply, span_of(extent.bytes.data, part));
		if (r < 0)
			break;
		offset += part;
		size -= part;
	}
	return r < 0 ? r : 0;
}

bool view_serves_data(const struct view *view, const struct image_inode *inode)
{
	return view->kind == VIEW_STANDALONE ||
	       (view->object_fd_count > 0 && inode->size <= view->own_data_max);
}

/* A descriptor of the object, which the caller owns, or a negative errno. */
static int object_open(struct view *view, const struct image_inode *inode, uint64_t nodeid,
		       struct fuse_reply *reply)
{
	int fd = recent_take(&view->recent, nodeid);

	return fd >= 0 ? fd : object_open_of(view, inode, reply);
}

/* Keep it for the next READ, if there will be one after those bytes. */
static void object_done(struct view *view, const struct image_inode *inode, uint64_t nodeid, int fd,
			uint64_t end)
{
	if (end < inode->size)
		recent_put(&view->recent, nodeid, fd);
	else
		fd_close(fd);
}

/* What is in memory already, without waiting for a disk; less than size where that is not all. */
static ssize_t pread_cached(int fd, void *data, size_t size, uint64_t offset)
{
	struct iovec part = {data, size};

	return preadv2(fd, &part, 1, (off_t)offset, RWF_NOWAIT);
}

/* Whether it looks as if all of that were in memory: read ahead and dropped is what is contiguous.
 */
static bool is_cached(int fd, uint64_t offset, size_t size)
{
	char byte = 0;

	return pread_cached(fd, &byte, 1, offset) == 1 &&
	       pread_cached(fd, &byte, 1, offset + size - 1) == 1;
}

/* Leave the reading to the kernel. */
static bool pass_object(int fd, uint64_t offset, size_t size, struct fuse_reply *reply)
{
	if (!reply_takes_file(reply, size))
		return false;
	if (!is_cached(fd, offset, size))
		reply_will_block(reply);
	return reply_file(reply, fd, offset, size);
}

/* An object that ends early is not the one that the image was made with. */
static int read_object(struct view *view, int fd, const struct image_inode *inode, uint64_t offset,
		       size_t size, struct fuse_reply *reply)
{
	ssize_t got;
	void *data;

	if (pass_object(fd, offset, size, reply))
		return 0;
	data = reply_claim(reply, size);
	if (!data)
		return -EIO;
	got = pread_cached(fd, data, size, offset);
	if (got < (ssize_t)size) {
		reply_will_block(reply);
		got = fd_pread(fd, data, size, offset);
	}
	if (got == (ssize_t)size)
		return 0;
	view_complain(view, inode, got < 0 ? "cannot be read" : "ends early",
		      got < 0 ? (int)got : 0);
	return -EIO;
}

static int read_external(struct view *view, const struct image_inode *inode, uint64_t nodeid,
			 uint64_t offset, size_t size, struct fuse_reply *reply)
{
	uint64_t left = offset < inode->size ? inode->size - offset : 0;
	int fd, r;

	if (!view_serves_data(view, inode))
		return -EIO;
	if (left < size)
		size = (size_t)left;
	if (size == 0)
		return 0;
	fd = object_open(view, inode, nodeid, reply);
	if (fd < 0)
		return fd;
	r = read_object(view, fd, inode, offset, size, reply);
	/* One that failed is opened anew the next time: it may have been replaced by then. */
	object_done(view, inode, nodeid, fd, r < 0 ? inode->size : offset + size);
	return r;
}

int view_read(void *fs, uint64_t nodeid, uint64_t offset, size_t size, struct fuse_reply *reply)
{
	struct view *view = fs;
	struct image_inode inode;
	int r;

	r = regular_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	if (image_inode_is_external(view->image, &inode))
		r = read_external(view, &inode, nodeid, offset, size, reply);
	else
		r = read_image(view, &inode, offset, size, reply);
	return view_result(view, r);
}

/* The image's files are served as data to the end, as the kernel's EROFS does with small ones. */
static int seek_image(const struct image_inode *inode, uint64_t offset, int whence, uint64_t *ret)
{
	*ret = whence == SEEK_DATA ? offset : inode->size;
	return 0;
}

int view_lseek(void *fs, uint64_t nodeid, uint64_t offset, int whence, uint64_t *ret)
{
	struct view *view = fs;
	struct image_inode inode;
	int64_t found;
	int fd, r;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	r = regular_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	if (offset >= inode.size)
		return -ENXIO;
	/* And contents that are not here yet are no reason to bring them. */
	if (!image_inode_is_external(view->image, &inode) || view->lazy.contents_fd >= 0)
		return seek_image(&inode, offset, whence, ret);
	fd = view_serves_data(view, &inode) ? object_open(view, &inode, nodeid, NULL) : -EIO;
	if (fd < 0)
		return view_result(view, fd);
	/* The position this leaves behind is used by nobody. */
	found = lseek(fd, (off_t)offset, whence);
	r = found >= 0 ? 0 : errno == ENXIO ? -ENXIO : -EIO;
	object_done(view, &inode, nodeid, fd, r < 0 ? inode.size : 0);
	if (r < 0)
		return r;
	*ret = (uint64_t)found;
	return view_result(view, 0);
}
