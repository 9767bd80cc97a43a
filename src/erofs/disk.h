/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * disk.h - EROFS records as they lie in an image
 *
 * Sources: Linux 6.18, fs/erofs/erofs_fs.h and Documentation/filesystems/erofs.rst;
 * composefs-image.md, sections 2, 6 and 9. All integers little-endian, all records byte-aligned
 * here.
 */
#ifndef LAMINA_EROFS_DISK_H
#define LAMINA_EROFS_DISK_H

#include "base/le.h"

/* Offset 0 of a composefs image. A plain EROFS image has anything there. */
struct composefs_header_disk {
	le32 magic;
	le32 header_version;
	le32 flags;
	le32 composefs_version; /* 0, 1 or 2 */
	uint8_t reserved[16];
};
_Static_assert(sizeof(struct composefs_header_disk) == 32, "as the format says");

#define COMPOSEFS_MAGIC 0xd078629au
#define COMPOSEFS_HEADER_VERSION 1
#define COMPOSEFS_VERSION_MAX 2 /* the newest that is read */
#define COMPOSEFS_FLAG_HAS_ACL 1u

#define SUPER_OFFSET 1024
#define SUPER_MAGIC 0xe0f5e1e2u

struct super_disk {
	le32 magic;
	le32 checksum; /* crc32c, when SUPER_COMPAT_CHECKSUM */
	le32 feature_compat;
	uint8_t block_bits; /* log2 of the block size */
	uint8_t ext_slots;
	le16 root_nid;
	le64 inode_count;
	le64 build_time;
	le32 build_time_nsec;
	le32 block_count;
	le32 meta_block;
	le32 xattr_block;
	uint8_t uuid[16];
	uint8_t volume_name[16];
	le32 feature_incompat;
	le16 compression; /* available algorithms, or the lz4 distance */
	le16 extra_devices;
	le16 device_slot;
	uint8_t dir_block_bits;
	uint8_t xattr_prefix_count;
	le32 xattr_prefix_start;
	le64 packed_nid;
	uint8_t xattr_filter_reserved;
	uint8_t reserved[23];
};
_Static_assert(sizeof(struct super_disk) == 128, "as the format says");

#define SUPER_COMPAT_CHECKSUM 0x1u
#define SUPER_COMPAT_MTIME 0x2u
#define SUPER_COMPAT_XATTR_FILTER 0x4u

#define SUPER_INCOMPAT_ZERO_PADDING 0x1u
#define SUPER_INCOMPAT_COMPR_CFGS 0x2u /* and BIG_PCLUSTER */
#define SUPER_INCOMPAT_CHUNKED_FILE 0x4u
#define SUPER_INCOMPAT_DEVICE_TABLE 0x8u
#define SUPER_INCOMPAT_ZTAILPACKING 0x10u
#define SUPER_INCOMPAT_FRAGMENTS 0x20u /* and DEDUPE */
#define SUPER_INCOMPAT_XATTR_PREFIXES 0x40u
#define SUPER_INCOMPAT_48BIT 0x80u
#define SUPER_INCOMPAT_METABOX 0x100u

#define INODE_SLOT 32 /* a nid counts these from meta_block */

/* First 16 bits of both inode forms: bit 0 is extended, bits 1 to 3 the layout. */
#define INODE_EXTENDED 1u
#define INODE_LAYOUT_SHIFT 1
#define INODE_LAYOUT_MASK 7u
#define INODE_FORMAT_BITS 4

enum inode_layout {
	LAYOUT_FLAT_PLAIN = 0,
	LAYOUT_COMPRESSED_FULL = 1,
	LAYOUT_FLAT_INLINE = 2,
	LAYOUT_COMPRESSED_COMPACT = 3,
	LAYOUT_CHUNK_BASED = 4,
};

struct inode_compact_disk {
	le16 format;
	le16 xattr_icount;
	le16 mode;
	le16 nlink;
	le32 size;
	le32 mtime_delta; /* seconds after the build time, Linux 6.15; zero before */
	le32 u;           /* first block, rdev or chunk format */
	le32 ino;
	le16 uid;
	le16 gid;
	le32 reserved2;
};
_Static_assert(sizeof(struct inode_compact_disk) == 32, "as the format says");

struct inode_extended_disk {
	le16 format;
	le16 xattr_icount;
	le16 mode;
	le16 reserved;
	le64 size;
	le32 u;
	le32 ino;
	le32 uid;
	le32 gid;
	le64 mtime_sec;
	le32 mtime_nsec;
	le32 nlink;
	uint8_t reserved2[16];
};
_Static_assert(sizeof(struct inode_extended_disk) == 64, "as the format says");

/* Low 16 bits of u of a chunk-based inode. */
#define CHUNK_BITS_MASK 0x1fu /* log2(chunk size) - block_bits */
#define CHUNK_INDEXES 0x20u   /* the map has struct chunk_index_disk, not le32 */
#define CHUNK_HOLE 0xffffffffu

struct chunk_index_disk {
	le16 start_high;
	le16 device_id;
	le32 start;
};
_Static_assert(sizeof(struct chunk_index_disk) == 8, "as the format says");

/* Behind the inode head, when xattr_icount > 0; then shared ids (le32), then entries. */
struct xattr_header_disk {
	le32 name_filter;
	uint8_t shared_count;
	uint8_t reserved[7];
};
_Static_assert(sizeof(struct xattr_header_disk) == 12, "as the format says");

/* Name and value follow, then zeros up to a multiple of 4. */
struct xattr_entry_disk {
	uint8_t name_size;
	uint8_t prefix; /* enum xattr_prefix; bit 7: a long prefix of the image */
	le16 value_size;
};
_Static_assert(sizeof(struct xattr_entry_disk) == 4, "as the format says");

#define XATTR_LONG_PREFIX 0x80u
#define XATTR_FILTER_SEED 0x25bbe08fu

enum xattr_prefix {
	XATTR_PREFIX_NONE = 0,
	XATTR_PREFIX_USER = 1,
	XATTR_PREFIX_ACL_ACCESS = 2,
	XATTR_PREFIX_ACL_DEFAULT = 3,
	XATTR_PREFIX_TRUSTED = 4,
	XATTR_PREFIX_LUSTRE = 5,
	XATTR_PREFIX_SECURITY = 6,
	XATTR_PREFIX_COUNT
};

/* Entries, then names; name_offset counts from the block start. */
struct dirent_disk {
	le64 nid;
	le16 name_offset;
	uint8_t type; /* enum dirent_type */
	uint8_t reserved;
};
_Static_assert(sizeof(struct dirent_disk) == 12, "as the format says");

enum dirent_type {
	DIRENT_UNKNOWN = 0,
	DIRENT_REGULAR = 1,
	DIRENT_DIRECTORY = 2,
	DIRENT_CHARACTER = 3,
	DIRENT_BLOCK = 4,
	DIRENT_FIFO = 5,
	DIRENT_SOCKET = 6,
	DIRENT_SYMLINK = 7,
};

#endif
