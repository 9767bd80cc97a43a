/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * contents.c - the bytes of files: from the image, or from the object that the image names
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/trace.h"
#include "fuse/reply.h"
#include "serve/view_private.h"

/* The backing path as a C string below an object directory: without the slash that redirects have.
 */
struct object_path {
	char text[PAYLOAD_SIZE_MAX + 2];
};

static int object_path(const struct view *view, const struct image_inode *inode,
		       struct object_path *ret)
{
	struct span path;
	int r;

	r = image_xattr_get(view_image(view), inode, SPAN_LITERAL("trusted.overlay.redirect"),
			    &path, NULL);
	if (r < 0)
		return -EIO; /* a hole without a name for what belongs there */
	while (path.size && path.data[0] == '/')
		path = span_of(path.data + 1, path.size - 1);
	if (path.size == 0 || path.size > PAYLOAD_SIZE_MAX || memchr(path.data, '\0', path.size))
		return -EIO;
	memcpy(ret->text, path.data, path.size);
	ret->text[path.size] = '\0';
	return 0;
}

/* The path comes from the image: it must not lead out of the directory, nor through links. */
static int open_beneath(int dir_fd, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* Open the object of an external file. A missing one is -ENOENT, one of another size -EIO. */
static int object_open_for(const struct view *view, const struct image_inode *inode)
{
	struct object_path path;
	int r, fd = -ENOENT;
	struct stat st;

	r = object_path(view, inode, &path);
	if (r < 0)
		return r;
	for (size_t i = 0; i < view->config.object_fd_count && fd == -ENOENT; i++)
		fd = open_beneath(view->config.object_fds[i], path.text);
	if (fd < 0) {
		TRACE("serve", "object %s: %s", path.text, strerrorname_np(-fd));
		return fd;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != inode->size) {
		TRACE("serve", "object %s is not a file of %llu bytes", path.text,
		      (unsigned long long)inode->size);
		fd_close(fd);
		return -EIO;
	}
	return fd;
}

int view_open(void *fs, uint64_t nodeid, uint64_t *ret_handle)
{
	struct view *view = fs;
	struct image_inode inode;
	int r, fd;

	r = view_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	*ret_handle = 0; /* the image itself has the bytes */
	if (!image_inode_is_external(view_image(view), &inode))
		return 0;
	fd = object_open_for(view, &inode);
	if (fd < 0)
		return fd;
	*ret_handle = handles_add(view->handles, nodeid, fd);
	if (*ret_handle == 0) {
		fd_close(fd);
		return -ENFILE;
	}
	return 0;
}

void view_release(void *fs, uint64_t nodeid, uint64_t handle)
{
	struct view *view = fs;

	if (view->handles)
		handles_remove(view->handles, handle, nodeid);
}

static int object_read(struct view *view, const struct image_inode *inode, uint64_t nodeid,
		       uint64_t handle, uint64_t offset, size_t size, struct fuse_reply *reply)
{
	CLEAN(fd_closep) int own_fd = -1;
	int fd = handles_find(view->handles, handle, nodeid);
	void *space = reply_space(reply, size);
	ssize_t got;

	if (!space)
		return -EINVAL;
	if (fd < 0) {
		/* A handle of a server before us: it only named what we can find again. */
		own_fd = object_open_for(view, inode);
		fd = own_fd;
	}
	if (fd < 0)
		return fd;
	got = fd_pread(fd, space, size, offset);
	/* size ends with the file: fewer bytes mean that the object has shrunk. */
	if (got < 0 || (size_t)got < size)
		return -EIO;
	reply_grow(reply, size);
	return 0;
}

static int image_read(const struct view *view, const struct image_inode *inode, uint64_t offset,
		      size_t size, struct fuse_reply *reply)
{
	while (size) {
		struct image_extent extent;
		size_t part;
		void *space;
		int r;

		r = image_extent(view_image(view), inode, offset, &extent, NULL);
		if (r <= 0)
			return -EIO;
		part = extent.size < size ? (size_t)extent.size : size;
		if (!extent.is_hole && part == size)
			return reply_span(reply, span_of(extent.bytes.data, part));
		space = reply_space(reply, part);
		if (!space)
			return -EINVAL;
		if (extent.is_hole)
			memset(space, 0, part);
		else
			memcpy(space, extent.bytes.data, part);
		reply_grow(reply, part);
		offset += part;
		size -= part;
	}
	return 0;
}

int view_read(void *fs, uint64_t nodeid, uint64_t handle, uint64_t offset, size_t size,
	      struct fuse_reply *reply)
{
	struct view *view = fs;
	struct image_inode inode;
	int r;

	r = view_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	if (!S_ISREG(inode.mode))
		return -EINVAL;
	if (offset >= inode.size)
		return 0;
	if (size > inode.size - offset)
		size = (size_t)(inode.size - offset);
	if (!image_inode_is_external(view_image(view), &inode))
		r = image_read(view, &inode, offset, size, reply);
	else if (view->handles)
		r = object_read(view, &inode, nodeid, handle, offset, size, reply);
	else
		r = -EIO; /* overlayfs reads the object; whoever asks here would take zeros for it
			   */
	return r == 0 ? view_check(view) : r;
}
