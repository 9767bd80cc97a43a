/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * load_inode.c - one inode of an image as one of a tree (composefs-image.md, sections 4.1 to 4.3)
 */
#include <errno.h>

#include "base/diag.h"
#include "base/digest.h"
#include "base/limits.h"
#include "erofs/disk.h"
#include "erofs/image.h"
#include "erofs/load_private.h"
#include "tree/tree.h"

#define OVERLAY SPAN_LITERAL("trusted.overlay.")
#define ESCAPED SPAN_LITERAL("trusted.overlay.overlay.")

static int malformed(const struct loader *loader, const struct image_inode *raw, const char *what)
{
	return diag_set(loader->why, -EUCLEAN, "inode %llu: %s", (unsigned long long)raw->nid,
			what);
}

/* Set an xattr; only one that the tree has not seen takes memory. */
static int set_xattr(struct loader *loader, struct inode *inode, struct span key, struct span value)
{
	size_t before = loader->tree->xattrs.count;
	int r;

	r = tree_xattr_set(loader->tree, inode, key, value, loader->why);
	if (r == -EINVAL) /* a key that can be in the image, and nowhere else */
		return -EUCLEAN;
	if (r < 0 || loader->tree->xattrs.count == before)
		return r;
	return loader_charge(loader, value.size);
}

static int load_xattr(struct loader *loader, const struct image_xattr *xattr, struct loaded *loaded)
{
	uint8_t space[64 + UINT8_MAX];
	struct span key;
	uint8_t noted;

	memcpy(space, xattr->prefix.data, xattr->prefix.size);
	if (xattr->suffix.size)
		memcpy(space + xattr->prefix.size, xattr->suffix.data, xattr->suffix.size);
	key = span_of(space, xattr->prefix.size + xattr->suffix.size);
	if (!loader->image->is_composefs)
		return set_xattr(loader, loaded->inode, key, xattr->value);
	if (span_starts_with(key, ESCAPED)) {
		/* One level less: the first "overlay." goes. */
		size_t extra = ESCAPED.size - OVERLAY.size;

		memmove(space + OVERLAY.size, space + ESCAPED.size, key.size - ESCAPED.size);
		key.size -= extra;
	} else if (span_starts_with(key, OVERLAY)) {
		return 0; /* made by the writer */
	}
	noted = loader->image->composefs_version < 2 ? load_noted(key, xattr->value) : 0;
	if (noted) {
		loaded->noted |= noted;
		return 0;
	}
	return set_xattr(loader, loaded->inode, key, xattr->value);
}

static int load_xattrs(struct loader *loader, const struct image_inode *raw, struct loaded *loaded)
{
	struct image_xattr xattr;
	uint64_t position = 0;
	int r;

	while ((r = image_xattr_next(loader->image, raw, position, &xattr, loader->why)) == 1) {
		r = load_xattr(loader, &xattr, loaded);
		if (r < 0)
			return r;
		position = xattr.next;
	}
	return r;
}

static int read_metacopy(const struct loader *loader, const struct image_inode *raw,
			 struct digest *ret)
{
	int r = image_external_digest(loader->image, raw, ret, loader->why);

	if (r != -ENODATA)
		return r;
	*ret = (struct digest){.algorithm = DIGEST_NONE};
	return 0;
}

static int load_external(struct loader *loader, const struct image_inode *raw, struct inode *inode)
{
	struct span redirect, payload;
	struct digest digest;
	int r;

	r = read_metacopy(loader, raw, &digest);
	if (r < 0)
		return r;
	r = image_xattr_get(loader->image, raw, SPAN_LITERAL("trusted.overlay.redirect"), &redirect,
			    loader->why);
	if (r == -ENODATA)
		return inode_external_set(loader->tree, inode, NULL, &digest);
	if (r < 0)
		return r;
	if (!span_starts_with(redirect, SPAN_LITERAL("/")) || !span_from(redirect, 1, &payload) ||
	    payload.size > PAYLOAD_SIZE_MAX || memchr(payload.data, '\0', payload.size))
		return malformed(loader, raw, "redirect xattr that is no path");
	r = loader_charge(loader, payload.size);
	return r < 0 ? r : inode_external_set(loader->tree, inode, &payload, &digest);
}

static int load_inline(struct loader *loader, const struct image_inode *raw, struct inode *inode)
{
	uint8_t content[INLINE_SIZE_MAX] = {0};
	struct image_extent extent;
	uint64_t offset = 0;
	int r;

	r = loader_charge(loader, raw->size);
	if (r < 0)
		return r;
	while ((r = image_extent(loader->image, raw, offset, &extent, loader->why)) == 1) {
		if (!extent.is_hole)
			memcpy(content + offset, extent.bytes.data, extent.bytes.size);
		offset += extent.size;
	}
	return r < 0 ? r : inode_content_set(loader->tree, inode, span_of(content, raw->size));
}

static int load_file(struct loader *loader, const struct image_inode *raw, struct inode *inode)
{
	bool is_composefs = loader->image->is_composefs;

	if (raw->size == 0)
		return 0;
	if (is_composefs && raw->layout == LAYOUT_CHUNK_BASED)
		return load_external(loader, raw, inode);
	if (raw->size <= INLINE_SIZE_MAX)
		return load_inline(loader, raw, inode);
	if (is_composefs)
		return malformed(loader, raw, "more inline content than the format allows");
	return inode_external_set(loader->tree, inode, NULL, NULL);
}

static int load_symlink(struct loader *loader, const struct image_inode *raw, struct inode *inode)
{
	struct span target;
	int r;

	r = image_readlink(loader->image, raw, &target, loader->why);
	if (r == 0)
		r = loader_charge(loader, target.size);
	return r < 0 ? r : inode_target_set(loader->tree, inode, target);
}

int load_inode(struct loader *loader, const struct image_inode *raw, struct loaded *ret)
{
	struct inode *inode;
	struct loaded loaded = {.nid = raw->nid};
	int r;

	r = loader_charge(loader, (uint64_t)raw->head_size + raw->xattr_size);
	if (r < 0)
		return r;
	inode = tree_inode_new(loader->tree, raw->mode);
	if (!inode)
		return -ENOMEM;
	loaded.inode = inode;
	inode->nlink = raw->nlink;
	inode->uid = raw->uid;
	inode->gid = raw->gid;
	inode->rdev = raw->rdev;
	inode->mtime_sec = raw->mtime_sec;
	inode->mtime_nsec = raw->mtime_nsec;
	inode->size = raw->size;
	r = load_xattrs(loader, raw, &loaded);
	if (r < 0)
		return r;
	if (S_ISREG(raw->mode))
		r = load_file(loader, raw, inode);
	else if (S_ISLNK(raw->mode))
		r = load_symlink(loader, raw, inode);
	if (r < 0)
		return r;
	*ret = loaded;
	return 0;
}
