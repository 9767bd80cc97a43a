/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/image_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "ops/lazy.h"
#include "ops/lazy_fetch.h"
#include "ops/source.h"
#include "serve/lazy.h"
#include "store/objects.h"

static int inode_find(const struct image *image, const char *path, struct image_inode *ret,
		      struct diag *why)
{
	struct image_inode inode;
	struct image_dirent dirent;
	int r = image_inode(image, image->root_nid, &inode, why);

	for (size_t size; r == 0 && *path; path += size + (path[size] == '/')) {
		size = strcspn(path, "/");
		r = image_lookup(image, &inode, span_of(path, size), &dirent, why);
		if (r == 0)
			r = image_inode(image, dirent.nid, &inode, why);
	}
	if (r == 0)
		*ret = inode;
	return r == -ENOTDIR ? -ENOENT : r;
}

static int inline_read(const struct image *image, const struct image_inode *inode, struct buf *ret,
		       struct diag *why)
{
	struct image_extent extent;
	uint64_t offset = 0;
	int r;

	for (;;) {
		r = image_extent(image, inode, offset, &extent, why);
		if (r <= 0)
			return r;
		offset += extent.size;
		r = extent.is_hole ? buf_append_zeros(ret, (size_t)extent.size)
				   : buf_append_span(ret, extent.bytes);
		if (r < 0)
			return r;
	}
}

/* Contents of a lazily pulled image, from wherever they are. */
static int lazy_contents_open(const struct lazy_image *lazy, const struct digest *contents,
			      struct diag *why)
{
	CLEAN(lazy_fetch_freep) struct lazy_fetch *fetch = NULL;
	int r = lazy_image_settle(lazy, why);

	if (r == 0)
		r = lazy_fetch_new(lazy, &fetch, why);
	return r < 0 ? r : lazy_fetch_get(fetch, contents, why);
}

static int object_read(const struct source *source, const struct image_inode *inode, size_t limit,
		       struct buf *ret, struct diag *why)
{
	struct digest digest, contents;
	int r = image_external_digest(&source->image, inode, &digest, why);

	if (r < 0)
		return r;
	CLEAN(fd_closep)
	int fd = lazy_unmark(&digest, &contents) && source->lazy
			 ? lazy_contents_open(source->lazy, &contents, why)
			 : object_open(source->store, &digest, why);

	return fd < 0 ? fd : fd_read_all(fd, limit, ret);
}

int image_file_read(const struct source *source, const char *path, size_t limit, struct buf *ret,
		    struct diag *why)
{
	struct image_inode inode;
	int r = inode_find(&source->image, path, &inode, why);

	if (r < 0)
		return r;
	if (!S_ISREG(inode.mode))
		return diag_set(why, -EINVAL, "/%s is not a regular file", path);
	if (inode.size > limit)
		return diag_set(why, -E2BIG, "/%s is larger than %zu bytes", path, limit);
	if (image_inode_is_external(&source->image, &inode))
		return object_read(source, &inode, limit, ret, why);
	return inline_read(&source->image, &inode, ret, why);
}
