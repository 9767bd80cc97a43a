/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Contents (Linux, Documentation/filesystems/erofs.rst, "Inode data" and "Chunk-based files").
 * Three layouts are read:
 *
 *   flat plain    raw_u is the first of consecutive blocks
 *   flat inline   the same, but the bytes of the last block, or a part of one, stand behind the
 * inode and its xattrs, and do not cross a block edge there chunk-based   behind the inode and its
 * xattrs stands a map: for each chunk its first block
 */
#include <errno.h>

#include "base/ckd.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/limits.h"
#include "erofs/disk.h"
#include "erofs/image.h"

#define NO_BLOCK 0xffffffffu /* raw_u of a flat inode without blocks */

static int data_corrupt(const struct image_inode *inode, const char *what, struct diag *why)
{
	return diag_set(why, -EUCLEAN, "inode %llu: %s", (unsigned long long)inode->nid, what);
}

static uint64_t after_xattrs(const struct image_inode *inode)
{
	return inode->offset + inode->head_size + inode->xattr_size;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int extent_bytes(const struct image *image, const struct image_inode *inode, uint64_t start,
			uint64_t size, struct image_extent *ret, struct diag *why)
{
	struct image_extent extent = {.size = size};

	if (!span_cut(image->bytes, start, size, &extent.bytes))
		return data_corrupt(inode, "data beyond the image", why);
	*ret = extent;
	return 1;
}

static int extent_hole(uint64_t size, struct image_extent *ret)
{
	*ret = (struct image_extent){.is_hole = true, .size = size};
	return 1;
}

static int extent_flat(const struct image *image, const struct image_inode *inode, uint64_t offset,
		       struct image_extent *ret, struct diag *why)
{
	uint64_t block_size = 1ULL << image->block_bits;
	uint64_t plain_end = inode->size; /* up to here in blocks, then inline */
	uint64_t start, tail_size;

	if (inode->layout == LAYOUT_FLAT_INLINE)
		plain_end = (inode->size - 1) & ~(block_size - 1);
	if (offset < plain_end && inode->raw_u == NO_BLOCK)
		return extent_hole(plain_end - offset, ret);
	if (offset < plain_end) {
		start = (uint64_t)inode->raw_u << image->block_bits;
		return extent_bytes(image, inode, start + offset, plain_end - offset, ret, why);
	}
	start = after_xattrs(inode);
	tail_size = inode->size - plain_end;
	if ((start & (block_size - 1)) + tail_size > block_size)
		return data_corrupt(inode, "inline data cross a block edge", why);
	return extent_bytes(image, inode, start + (offset - plain_end), inode->size - offset, ret,
			    why);
}

/* The first block of a chunk, or CHUNK_HOLE. The map is aligned to its entries. */
static int chunk_block(const struct image *image, const struct image_inode *inode, uint64_t chunk,
		       uint32_t *ret, struct diag *why)
{
	bool has_indexes = inode->raw_u & CHUNK_INDEXES;
	uint64_t unit = has_indexes ? sizeof(struct chunk_index_disk) : sizeof(le32);
	uint64_t offset;

	if (ckd_mul(&offset, chunk, unit) ||
	    ckd_add(&offset, offset, align_up(after_xattrs(inode), unit)))
		return data_corrupt(inode, "chunk map beyond the image", why);
	if (has_indexes) {
		const struct chunk_index_disk *index =
			span_at(image->bytes, offset, struct chunk_index_disk);

		if (!index)
			return data_corrupt(inode, "chunk map beyond the image", why);
		if (le16_get(index->device_id))
			return diag_set(why, -EOPNOTSUPP,
					"inode %llu has data on another device, which is not "
					"supported",
					(unsigned long long)inode->nid);
		*ret = le32_get(index->start);
	} else {
		const le32 *start = span_at(image->bytes, offset, le32);

		if (!start)
			return data_corrupt(inode, "chunk map beyond the image", why);
		*ret = le32_get(*start);
	}
	return 0;
}

static int extent_chunk(const struct image *image, const struct image_inode *inode, uint64_t offset,
			struct image_extent *ret, struct diag *why)
{
	uint32_t chunk_bits = image->block_bits + (inode->raw_u & CHUNK_BITS_MASK);
	uint64_t in_chunk = offset & ((1ULL << chunk_bits) - 1);
	uint64_t size = smaller((1ULL << chunk_bits) - in_chunk, inode->size - offset);
	uint32_t block = CHUNK_HOLE;
	int r;

	/* The only map entry of a version 2 image may stand for more than a chunk. */
	if (image_inode_is_external(image, inode))
		return extent_hole(inode->size - offset, ret);
	r = chunk_block(image, inode, offset >> chunk_bits, &block, why);
	if (r < 0)
		return r;
	if (block == CHUNK_HOLE)
		return extent_hole(size, ret);
	return extent_bytes(image, inode, ((uint64_t)block << image->block_bits) + in_chunk, size,
			    ret, why);
}

int image_extent(const struct image *image, const struct image_inode *inode, uint64_t offset,
		 struct image_extent *ret, struct diag *why)
{
	if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode) && !S_ISLNK(inode->mode))
		return 0;
	if (offset >= inode->size)
		return 0;
	if (inode->layout == LAYOUT_CHUNK_BASED)
		return extent_chunk(image, inode, offset, ret, why);
	return extent_flat(image, inode, offset, ret, why);
}

int image_readlink(const struct image *image, const struct image_inode *inode, struct span *ret,
		   struct diag *why)
{
	struct image_extent extent;
	int r;

	if (!S_ISLNK(inode->mode))
		return diag_set(why, -EINVAL, "inode %llu is not a symlink",
				(unsigned long long)inode->nid);
	r = image_extent(image, inode, 0, &extent, why);
	if (r < 0)
		return r;
	if (r == 0 || inode->size > SYMLINK_SIZE_MAX)
		return data_corrupt(inode, "symlink of no size that can be", why);
	if (extent.is_hole || memchr(extent.bytes.data, '\0', extent.bytes.size))
		return data_corrupt(inode, "symlink target has a NUL", why);
	/* Only blocks below 4096 bytes could split a target; no writer is known to do so. */
	if (extent.size < inode->size)
		return diag_set(why, -EOPNOTSUPP, "inode %llu: symlink target in two pieces",
				(unsigned long long)inode->nid);
	*ret = extent.bytes;
	return 0;
}

bool image_inode_is_external(const struct image *image, const struct image_inode *inode)
{
	struct span value;

	return S_ISREG(inode->mode) && inode->layout == LAYOUT_CHUNK_BASED && inode->size > 0 &&
	       image_xattr_get(image, inode, SPAN_LITERAL("trusted.overlay.metacopy"), &value,
			       NULL) == 0;
}

/* Version 0, size of all, flags 0, algorithm, digest (Linux, fs/overlayfs/overlayfs.h, struct
 * ovl_metacopy). */
#define METACOPY_HEAD_SIZE 4

int image_external_digest(const struct image *image, const struct image_inode *inode,
			  struct digest *ret, struct diag *why)
{
	enum digest_algorithm algorithm;
	struct span value;
	int r;

	r = image_xattr_get(image, inode, SPAN_LITERAL("trusted.overlay.metacopy"), &value, why);
	if (r < 0)
		return r;
	if (value.size == 0)
		return -ENODATA;
	if (value.size < METACOPY_HEAD_SIZE || value.data[0] != 0 || value.data[1] != value.size ||
	    value.data[2] != 0)
		return diag_set(why, -EUCLEAN, "inode %llu: metacopy xattr of no known form",
				(unsigned long long)inode->nid);
	algorithm = (enum digest_algorithm)value.data[3];
	if (algorithm == DIGEST_NONE || digest_size(algorithm) != value.size - METACOPY_HEAD_SIZE)
		return diag_set(why, -EUCLEAN, "inode %llu: metacopy xattr with no known digest",
				(unsigned long long)inode->nid);
	*ret = digest_of(algorithm, value.data + METACOPY_HEAD_SIZE);
	return 0;
}
