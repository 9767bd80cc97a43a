/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>

#include "base/ckd.h"
#include "base/diag.h"
#include "base/limits.h"
#include "erofs/disk.h"
#include "erofs/image.h"

static bool mode_is_valid(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

static void read_compact(const struct image *image, const struct inode_compact_disk *disk,
			 struct image_inode *inode)
{
	inode->head_size = sizeof(*disk);
	inode->mode = le16_get(disk->mode);
	inode->nlink = le16_get(disk->nlink);
	inode->size = le32_get(disk->size);
	/* Seconds after the build time since Linux 6.15, zero before. */
	inode->mtime_sec = (int64_t)((uint64_t)image->build_time_sec + le32_get(disk->mtime_delta));
	inode->mtime_nsec = image->build_time_nsec;
	inode->raw_u = le32_get(disk->u);
	inode->ino = le32_get(disk->ino);
	inode->uid = le16_get(disk->uid);
	inode->gid = le16_get(disk->gid);
}

static void read_extended(const struct inode_extended_disk *disk, struct image_inode *inode)
{
	inode->head_size = sizeof(*disk);
	inode->mode = le16_get(disk->mode);
	inode->nlink = le32_get(disk->nlink);
	inode->size = le64_get(disk->size);
	inode->mtime_sec = (int64_t)le64_get(disk->mtime_sec);
	inode->mtime_nsec = le32_get(disk->mtime_nsec);
	inode->raw_u = le32_get(disk->u);
	inode->ino = le32_get(disk->ino);
	inode->uid = le32_get(disk->uid);
	inode->gid = le32_get(disk->gid);
}

static int check_layout(const struct image_inode *inode, struct diag *why)
{
	switch (inode->layout) {
	case LAYOUT_FLAT_PLAIN:
	case LAYOUT_FLAT_INLINE:
		return 0;
	case LAYOUT_CHUNK_BASED:
		if ((inode->raw_u & 0xffff) & ~(CHUNK_BITS_MASK | CHUNK_INDEXES))
			return diag_set(why, -EOPNOTSUPP, "inode %llu has unknown chunk format %#x",
					(unsigned long long)inode->nid, inode->raw_u & 0xffff);
		return 0;
	case LAYOUT_COMPRESSED_FULL:
	case LAYOUT_COMPRESSED_COMPACT:
		return diag_set(why, -EOPNOTSUPP,
				"inode %llu is compressed, which is not supported",
				(unsigned long long)inode->nid);
	default:
		return diag_set(why, -EOPNOTSUPP, "inode %llu has unknown layout %u",
				(unsigned long long)inode->nid, inode->layout);
	}
}

static int check_size(const struct image *image, const struct image_inode *inode, struct diag *why)
{
	uint64_t max = INT64_MAX; /* off_t is signed */

	if (S_ISDIR(inode->mode))
		max = image->bytes.size; /* entries are all in the image */
	else if (S_ISLNK(inode->mode))
		max = SYMLINK_SIZE_MAX;
	if (inode->size > max)
		return diag_set(why, -EUCLEAN, "inode %llu (mode %o) has a size of %llu bytes",
				(unsigned long long)inode->nid, inode->mode,
				(unsigned long long)inode->size);
	return 0;
}

/* The head, of either form; only its first 16 bits tell which. */
static int read_head(const struct image *image, struct image_inode *inode, struct diag *why)
{
	const struct inode_compact_disk *compact =
		span_at(image->bytes, inode->offset, struct inode_compact_disk);
	const struct inode_extended_disk *extended;
	uint16_t format, icount;

	if (!compact)
		return diag_set(why, -EUCLEAN, "inode %llu is beyond the image",
				(unsigned long long)inode->nid);
	format = le16_get(compact->format);
	icount = le16_get(compact->xattr_icount);
	inode->layout = format >> INODE_LAYOUT_SHIFT & INODE_LAYOUT_MASK;
	inode->xattr_size =
		icount ? sizeof(struct xattr_header_disk) + (icount - 1u) * (uint32_t)sizeof(le32)
		       : 0;
	if (format >> INODE_FORMAT_BITS)
		return diag_set(why, -EOPNOTSUPP, "inode %llu has unknown format %#x",
				(unsigned long long)inode->nid, format);
	if (!(format & INODE_EXTENDED)) {
		read_compact(image, compact, inode);
		return 0;
	}
	extended = span_at(image->bytes, inode->offset, struct inode_extended_disk);
	if (!extended)
		return diag_set(why, -EUCLEAN, "inode %llu is cut off by the end of the image",
				(unsigned long long)inode->nid);
	read_extended(extended, inode);
	return 0;
}

int image_inode(const struct image *image, uint64_t nid, struct image_inode *ret, struct diag *why)
{
	struct image_inode inode = {.nid = nid};
	struct span xattrs;
	int r;

	if (ckd_mul(&inode.offset, nid, (uint64_t)INODE_SLOT) ||
	    ckd_add(&inode.offset, inode.offset, image->meta_offset))
		return diag_set(why, -EUCLEAN, "inode %llu is beyond the image",
				(unsigned long long)nid);
	r = read_head(image, &inode, why);
	if (r < 0)
		return r;
	if (!mode_is_valid(inode.mode))
		return diag_set(why, -EUCLEAN, "inode %llu has mode %o, which is no kind of file",
				(unsigned long long)nid, inode.mode);
	if (!span_cut(image->bytes, inode.offset + inode.head_size, inode.xattr_size, &xattrs))
		return diag_set(why, -EUCLEAN, "xattrs of inode %llu are beyond the image",
				(unsigned long long)nid);
	r = check_layout(&inode, why);
	if (r < 0)
		return r;
	r = check_size(image, &inode, why);
	if (r < 0)
		return r;
	if (S_ISCHR(inode.mode) || S_ISBLK(inode.mode))
		inode.rdev = inode.raw_u;
	*ret = inode;
	return 0;
}
