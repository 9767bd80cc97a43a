/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "erofs/image.h"

#include <errno.h>

#include "base/diag.h"
#include "erofs/crc32c.h"
#include "erofs/disk.h"

/* Linux takes 512 bytes up to its page size; pages of up to 64 KiB exist. Nothing here depends on
 * it. */
#define BLOCK_BITS_MIN 9
#define BLOCK_BITS_MAX 16

/* What Linux 6.18 knows (fs/erofs/erofs_fs.h), in the words of its documentation. */
static const struct {
	uint32_t bits;
	const char *name;
} refused_features[] = {
	{SUPER_INCOMPAT_COMPR_CFGS, "compressed files"},
	{SUPER_INCOMPAT_DEVICE_TABLE, "a device table"},
	{SUPER_INCOMPAT_ZTAILPACKING, "compressed tails"},
	{SUPER_INCOMPAT_FRAGMENTS, "fragments"},
	{SUPER_INCOMPAT_XATTR_PREFIXES, "long xattr prefixes"},
	{SUPER_INCOMPAT_48BIT, "48-bit addresses"},
	{SUPER_INCOMPAT_METABOX, "a metabox"},
};

/*
 * ZERO_PADDING only says how compressed blocks are filled, and is set by older mkfs.erofs on every
 * image: compressed inodes are refused one by one.
 */
#define INCOMPAT_ACCEPTED (SUPER_INCOMPAT_ZERO_PADDING | SUPER_INCOMPAT_CHUNKED_FILE)

static int check_features(const struct super_disk *super, struct diag *why)
{
	uint32_t features = le32_get(super->feature_incompat) & ~INCOMPAT_ACCEPTED;

	for (size_t i = 0; i < sizeof(refused_features) / sizeof(refused_features[0]); i++) {
		if (features & refused_features[i].bits)
			return diag_set(why, -EOPNOTSUPP, "image with %s is not supported",
					refused_features[i].name);
	}
	if (features)
		return diag_set(why, -EOPNOTSUPP, "image has unknown features %#x", features);
	if (le16_get(super->extra_devices))
		return diag_set(why, -EOPNOTSUPP, "image on %u devices is not supported",
				1u + le16_get(super->extra_devices));
	if (super->dir_block_bits)
		return diag_set(why, -EOPNOTSUPP,
				"directory blocks of another size than data blocks");
	return 0;
}

/*
 * The sum goes from the superblock to the end of its block, or over one block where blocks are too
 * small to hold both (Linux 6.18, fs/erofs/super.c), the checksum itself counted as zero.
 */
static int check_checksum(struct span bytes, const struct super_disk *super, struct diag *why)
{
	static const uint8_t zero[sizeof(super->checksum)];
	size_t size = (size_t)1 << super->block_bits, behind = 2 * sizeof(le32);
	struct span rest;
	uint32_t crc;

	if (!(le32_get(super->feature_compat) & SUPER_COMPAT_CHECKSUM))
		return 0;
	if (size > SUPER_OFFSET)
		size -= SUPER_OFFSET;
	if (!span_cut(bytes, SUPER_OFFSET + behind, size - behind, &rest))
		return diag_set(why, -EUCLEAN, "image ends within its first block");
	crc = crc32c(span_of(super->magic.bytes, sizeof(super->magic)), UINT32_MAX);
	crc = crc32c(rest, crc32c(span_of(zero, sizeof(zero)), crc));
	if (crc != le32_get(super->checksum))
		return diag_set(why, -EUCLEAN, "superblock checksum is %#x, should be %#x",
				le32_get(super->checksum), crc);
	return 0;
}

static int read_composefs_header(struct image *image, struct diag *why)
{
	const struct composefs_header_disk *header =
		span_at(image->bytes, 0, struct composefs_header_disk);

	image->has_acl = true;
	if (!header || le32_get(header->magic) != COMPOSEFS_MAGIC)
		return 0;
	if (le32_get(header->header_version) != COMPOSEFS_HEADER_VERSION)
		return diag_set(why, -EOPNOTSUPP, "composefs header version %u is not supported",
				le32_get(header->header_version));
	if (le32_get(header->composefs_version) > COMPOSEFS_VERSION_MAX)
		return diag_set(why, -EOPNOTSUPP, "composefs version %u is not supported",
				le32_get(header->composefs_version));
	image->is_composefs = true;
	image->composefs_version = le32_get(header->composefs_version);
	/* Version 2 never sets the flag, whatever the image has. */
	if (image->composefs_version < 2)
		image->has_acl = le32_get(header->flags) & COMPOSEFS_FLAG_HAS_ACL;
	return 0;
}

static int read_super(struct image *image, const struct super_disk *super, struct diag *why)
{
	uint32_t bits = super->block_bits;
	uint64_t size;

	if (bits < BLOCK_BITS_MIN || bits > BLOCK_BITS_MAX)
		return diag_set(why, -EUCLEAN, "blocks of 2^%u bytes", bits);
	image->block_bits = bits;
	image->block_count = le32_get(super->block_count);
	image->root_nid = le16_get(super->root_nid);
	image->inode_count = le64_get(super->inode_count);
	image->build_time_sec = (int64_t)le64_get(super->build_time);
	image->build_time_nsec = le32_get(super->build_time_nsec);
	image->meta_offset = (uint64_t)le32_get(super->meta_block) << bits;
	image->xattr_offset = (uint64_t)le32_get(super->xattr_block) << bits;
	/* Bytes in xattr_filter_reserved announce another kind of filter (Linux 6.6). */
	image->has_xattr_filter = (le32_get(super->feature_compat) & SUPER_COMPAT_XATTR_FILTER) &&
				  super->xattr_filter_reserved == 0;
	size = image->block_count << bits;
	if (size > image->bytes.size)
		return diag_set(why, -EUCLEAN, "image has %zu bytes, its superblock counts %llu",
				image->bytes.size, (unsigned long long)size);
	image->bytes.size = (size_t)size; /* what follows is not part of the image */
	return 0;
}

int image_open(struct span bytes, struct image *ret, struct diag *why)
{
	const struct super_disk *super = span_at(bytes, SUPER_OFFSET, struct super_disk);
	struct image image = {.bytes = bytes};
	struct image_inode root;
	int r;

	if (!super)
		return diag_set(why, -EUCLEAN, "%zu bytes are too few for an EROFS image",
				bytes.size);
	if (le32_get(super->magic) != SUPER_MAGIC)
		return diag_set(why, -EUCLEAN, "superblock magic is %#x, expected %#x",
				le32_get(super->magic), SUPER_MAGIC);
	r = read_super(&image, super, why);
	if (r < 0)
		return r;
	r = check_features(super, why);
	if (r < 0)
		return r;
	r = check_checksum(bytes, super, why);
	if (r < 0)
		return r;
	r = read_composefs_header(&image, why);
	if (r < 0)
		return r;
	r = image_inode(&image, image.root_nid, &root, why);
	if (r < 0)
		return diag_wrap(why, r, "root directory");
	if (!S_ISDIR(root.mode))
		return diag_set(why, -EUCLEAN, "the root is not a directory");
	*ret = image;
	return 0;
}
