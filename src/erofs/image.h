/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * image.h - an EROFS image, read where it lies
 *
 * The bytes are hostile. Opening looks at the superblock only; every later access is bounded by the
 * image. Nothing is allocated, nothing is cached: all answers are computed from the bytes, and
 * spans in answers point into them. Immutable after open, so any number of threads may ask.
 *
 * Reads composefs images of version 0, 1 and 2 and plain uncompressed EROFS (Linux 6.18,
 * fs/erofs/erofs_fs.h) with one device and blocks of 512 bytes to 64 KiB. Anything else is refused
 * by name with -EOPNOTSUPP; malformed bytes with -EUCLEAN. Not checked, because it would need the
 * whole image: that directories form a tree, link counts. Walkers bound their own depth. Nor is
 * mtime_nsec, which the composefs dump format does not limit either.
 */
#ifndef LAMINA_EROFS_IMAGE_H
#define LAMINA_EROFS_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/span.h"

struct diag;   /* base/diag.h */
struct digest; /* base/digest.h */

struct image {
	struct span bytes; /* as many as block_count says; owned by whoever opened */
	uint64_t root_nid;
	uint64_t inode_count;
	int64_t build_time_sec;
	uint32_t build_time_nsec;
	uint64_t meta_offset;  /* byte 0 of nid 0 */
	uint64_t xattr_offset; /* byte 0 of shared xattr id 0 */
	uint64_t block_count;
	uint32_t block_bits;
	uint32_t composefs_version; /* of composefs images */
	bool is_composefs;
	bool has_acl;          /* composefs header flag; true for plain EROFS */
	bool has_xattr_filter; /* name filters may be trusted to exclude */
};

/* Returns 0, -EUCLEAN or -EOPNOTSUPP. bytes must outlive *ret. */
int image_open(struct span bytes, struct image *ret, struct diag *why);

struct image_inode {
	uint64_t nid;
	uint64_t size; /* bytes, as stored, for any kind of file; at most INT64_MAX */
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev; /* Linux' new_encode_dev form; of devices only */
	uint32_t ino;  /* the number stored in the image, unique only if its writer says so */
	/* for image.c and its siblings: */
	uint32_t raw_u;
	uint32_t layout;     /* enum inode_layout */
	uint32_t xattr_size; /* bytes of the xattr area... */
	uint32_t head_size;  /* ...which begins this far from offset */
	uint64_t offset;     /* of the inode head in the image */
};

/*
 * Returns 0, or -EUCLEAN / -EOPNOTSUPP: no inode can be there, or not one of a kind we read. Any
 * nid may be asked for; where its data lie is checked when they are.
 */
int image_inode(const struct image *image, uint64_t nid, struct image_inode *ret, struct diag *why);

/* Directories (erofs/dir.c) */

struct image_dirent {
	struct span name; /* 1 to 255 bytes without '/' and NUL; may be "." or ".." */
	uint64_t nid;
	uint64_t next; /* position to go on from: above that of this entry, at most INT64_MAX */
	uint8_t type;  /* enum dirent_type; a hint, as in every file system */
};

/*
 * The entry at position, which is 0 or the next of an entry got before: constant time. Entries come
 * in byte order of their names, "." and ".." among them, unless the image is malformed. Returns 1,
 * 0 at the end, -EUCLEAN, -ENOTDIR, or -EINVAL for a position that cannot be one.
 */
int image_dir_next(const struct image *image, const struct image_inode *dir, uint64_t position,
		   struct image_dirent *ret, struct diag *why);

/*
 * Find a name by binary search over blocks and entries. Returns 0, -ENOENT, -ENOTDIR or -EUCLEAN.
 * In a directory that is not in order, which is malformed, it may miss a name or find any of
 * several.
 */
int image_lookup(const struct image *image, const struct image_inode *dir, struct span name,
		 struct image_dirent *ret, struct diag *why);

/* Xattrs (erofs/xattr.c) */

struct image_xattr {
	struct span prefix; /* "user.", "trusted.", ..., or the whole of an ACL key; may be empty */
	struct span suffix; /* the key is prefix then suffix */
	struct span value;
	uint64_t next; /* position to go on from */
};

/*
 * Iterate, from position 0: first the inline xattrs, then the shared ones, each in the order of the
 * image. Keys have no NUL and are not empty, but may have more than 255 bytes (composefs-image.md,
 * section 4.1). The kernel shows neither lustre xattrs nor those without a known prefix; this does.
 * Returns 1, 0 at the end, -EUCLEAN, or -EINVAL for a position that cannot be one.
 */
int image_xattr_next(const struct image *image, const struct image_inode *inode, uint64_t position,
		     struct image_xattr *ret, struct diag *why);

/*
 * The value of a full key; the name filter is asked first. "lustre." keys are found with the prefix
 * that mkfs.erofs uses and spelled out, as composefs versions 0 and 1 have them. Returns 0,
 * -ENODATA or -EUCLEAN.
 */
int image_xattr_get(const struct image *image, const struct image_inode *inode, struct span key,
		    struct span *ret_value, struct diag *why);

/* Contents (erofs/data.c) */

struct image_extent {
	bool is_hole;
	struct span bytes; /* when not a hole; size bytes */
	uint64_t size;     /* bytes from the offset asked for on; at least 1 */
};

/*
 * What an inode holds from offset on, as far as it is contiguous in the image. For files, symlinks
 * and directories alike. Returns 1, 0 at or past the end, or -EUCLEAN.
 */
int image_extent(const struct image *image, const struct image_inode *inode, uint64_t offset,
		 struct image_extent *ret, struct diag *why);

/* The target of a symlink: 1 to 4095 bytes without NUL. Returns 0, -EINVAL for another, or
 * -EUCLEAN. */
int image_readlink(const struct image *image, const struct image_inode *inode, struct span *ret,
		   struct diag *why);

/*
 * Whether the content of a regular file is the object that its overlay xattrs name: it is
 * chunk-based and has trusted.overlay.metacopy, which is how every composefs version marks it and
 * what overlayfs goes by. The chunk map is not looked at (a long one is not where EROFS says,
 * composefs-image.md, section 9): image_extent() gives one hole. Costs one xattr look-up for
 * chunk-based files, nothing for others.
 */
bool image_inode_is_external(const struct image *image, const struct image_inode *inode);

/*
 * The fs-verity digest that the content of an external file shall have. Returns 0, -ENODATA where
 * the image gives none, or -EUCLEAN for an xattr of no form that overlayfs knows.
 */
int image_external_digest(const struct image *image, const struct image_inode *inode,
			  struct digest *ret, struct diag *why);

#endif
