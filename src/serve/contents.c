/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * contents.c - bytes of files: those in the image as they lie there, others from objects
 */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/trace.h"
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

int view_open(void *fs, uint64_t nodeid, uint64_t *ret_handle)
{
	const struct view *view = fs;
	struct image_inode inode;
	int fd, r;

	r = regular_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	if (!image_inode_is_external(view->image, &inode)) {
		*ret_handle = HANDLE_NONE;
		return view_result(view, 0);
	}
	if (!view->handles)
		return -EIO;
	fd = object_open_of(view, &inode);
	if (fd < 0)
		return view_result(view, fd);
	r = handles_add(view->handles, fd, nodeid, ret_handle);
	if (r < 0)
		fd_close(fd);
	return view_result(view, r);
}

void view_release(void *fs, uint64_t nodeid, uint64_t handle)
{
	const struct view *view = fs;

	if (view->handles)
		handles_release(view->handles, handle, nodeid);
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

/* A descriptor of an object, to read from for a moment. */
struct object {
	const struct view *view;
	int fd;
	bool is_borrowed; /* from a handle; else ours */
};

static void object_close(struct object *object)
{
	if (object->is_borrowed)
		handles_return(object->view->handles, object->fd);
	else
		fd_close(object->fd);
}

/* The one of the handle; or, as a handle may be of a server that is no more, the one it meant. */
static int object_open(const struct view *view, const struct image_inode *inode, uint64_t nodeid,
		       uint64_t handle, struct object *ret)
{
	struct object object = {.view = view, .is_borrowed = true};

	if (!view->handles)
		return -EIO;
	object.fd = handles_borrow(view->handles, handle, nodeid);
	if (object.fd < 0) {
		object.is_borrowed = false;
		object.fd = object_open_of(view, inode);
	}
	if (object.fd < 0)
		return object.fd;
	*ret = object;
	return 0;
}

/* An object that ends early is not the one that the image was made with. */
static int read_object(int fd, const struct image_inode *inode, uint64_t offset, size_t size,
		       struct fuse_reply *reply)
{
	uint64_t left = offset < inode->size ? inode->size - offset : 0;
	ssize_t got;
	void *data;

	if (left < size)
		size = (size_t)left;
	if (size == 0)
		return 0;
	data = reply_claim(reply, size);
	if (!data)
		return -EIO;
	got = fd_pread(fd, data, size, offset);
	if (got == (ssize_t)size)
		return 0;
	TRACE("serve", "object of inode %llu at %llu: %zd of %zu bytes",
	      (unsigned long long)inode->nid, (unsigned long long)offset, got, size);
	return -EIO;
}

int view_read(void *fs, uint64_t nodeid, uint64_t handle, uint64_t offset, size_t size,
	      struct fuse_reply *reply)
{
	const struct view *view = fs;
	CLEAN(object_close) struct object object = {.fd = -1};
	struct image_inode inode;
	int r;

	r = regular_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	if (!image_inode_is_external(view->image, &inode))
		return view_result(view, read_image(view, &inode, offset, size, reply));
	r = object_open(view, &inode, nodeid, handle, &object);
	if (r < 0)
		return view_result(view, r);
	return view_result(view, read_object(object.fd, &inode, offset, size, reply));
}

/* The image's files are served as data to the end, as the kernel's EROFS does with small ones. */
static int seek_image(const struct image_inode *inode, uint64_t offset, int whence, uint64_t *ret)
{
	*ret = whence == SEEK_DATA ? offset : inode->size;
	return 0;
}

int view_lseek(void *fs, uint64_t nodeid, uint64_t handle, uint64_t offset, int whence,
	       uint64_t *ret)
{
	const struct view *view = fs;
	CLEAN(object_close) struct object object = {.fd = -1};
	struct image_inode inode;
	int64_t found;
	int r;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	r = regular_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	if (offset >= inode.size)
		return -ENXIO;
	if (!image_inode_is_external(view->image, &inode))
		return seek_image(&inode, offset, whence, ret);
	r = object_open(view, &inode, nodeid, handle, &object);
	if (r < 0)
		return view_result(view, r);
	/* The position this leaves behind is used by nobody. */
	found = lseek(object.fd, (off_t)offset, whence);
	if (found < 0)
		return errno == ENXIO ? -ENXIO : -EIO;
	*ret = (uint64_t)found;
	return view_result(view, 0);
}
