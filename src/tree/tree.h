/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tree.h - a file tree in memory
 *
 * Names and inodes are two things, as in the kernel: a hard link is a second dentry of one inode.
 * The inode stands at its primary dentry, the one whose dump line is not an '@' line; that place
 * decides the order of an image (composefs-image.md, section 5).
 *
 * A tree owns all of its memory and frees it at once. Equal xattrs, key and value, are one struct
 * xattr. Owned by one thread while it is built; after tree_sort() it is only read, by any number of
 * threads. Link counts are what the source said, unless tree_settle() computes them.
 */
#ifndef LAMINA_TREE_TREE_H
#define LAMINA_TREE_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/map.h"
#include "base/span.h"

struct diag; /* base/diag.h */

/* Interned: two xattrs of one tree are equal when their pointers are. */
struct xattr {
	struct span key; /* with its prefix, such as "user.note"; 1 to XATTR_KEY_SIZE_MAX bytes */
	struct span value;
};

struct dentry {
	struct dentry *next; /* sibling; in byte order of the names after tree_sort() */
	struct dentry *previous;
	struct inode *parent;
	struct inode *inode;
	uint32_t layer;  /* of tree/merge.h: the last one that has this name */
	bool is_implied; /* there only because that layer has something below it */
	uint8_t name_size;
	char name[]; /* name_size bytes and a NUL */
};

struct inode {
	uint32_t mode; /* st_mode with type */
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev; /* low 32 bits of Linux' new_encode_dev; of devices only */
	uint32_t mtime_nsec;
	int64_t mtime_sec;
	uint64_t
		size; /* bytes; the length of the target for a symlink, else what the source said */
	struct dentry *primary;      /* NULL for the root and for an inode not linked yet */
	const struct xattr **xattrs; /* ascending by key */
	uint16_t xattr_count;
	bool is_inline;       /* regular file: the content is here */
	uint8_t digest_size;  /* regular file: 0 without digest */
	uint16_t xattrs_size; /* what the format counts for the xattrs, without their header */
	uint32_t child_count; /* directory: dentries */
	/*
	 * For the user of the tree: the erofs writer's inode number; while it is merged
	 * (tree/merge.h), of a directory: nothing of layers below this one is in it.
	 */
	uint32_t index;
	union {
		struct {
			struct dentry *first;
			struct dentry *last;
		} dir;
		struct {
			const char *target; /* size bytes and a NUL */
		} symlink;
		struct {
			const uint8_t *content; /* is_inline: size bytes */
		} inlined;
		struct {
			const char *
				payload; /* backing path, NUL-terminated; NULL when there is none */
			const uint8_t *digest; /* digest_size bytes */
		} external;
	};
};

struct tree {
	struct arena arena;
	struct inode *root; /* NULL until the source gave one */
	struct map names;   /* every dentry by (parent, name) */
	struct map xattrs;  /* every struct xattr by (key, value) */
	uint64_t inode_count;
	/* Of tree/merge.h: */
	uint64_t merged_count; /* entries of all layers, and directories that they implied */
	uint32_t layer;        /* the one that is being merged; 0: there are none */
	bool is_sorted;
};

/* Returns a tree without a root, or NULL when out of memory. */
struct tree *tree_new(void);
void tree_free(struct tree *tree);
void tree_freep(struct tree **tree);

/*
 * A new inode of type and permissions mode, otherwise zero, nlink 1, not linked anywhere. NULL when
 * out of memory.
 */
struct inode *tree_inode_new(struct tree *tree, uint32_t mode);

/* Make a directory inode the root. Returns 0, or -EEXIST when there is one. */
int tree_root_set(struct tree *tree, struct inode *root, struct diag *why);

/*
 * Give inode the name in directory dir. The first dentry of an inode becomes its primary.
 *
 *   -ENOTDIR  dir is no directory
 *   -EINVAL   the name is empty, ".", "..", holds '/' or NUL
 *   -ENAMETOOLONG
 *   -EEXIST   dir has that name
 */
int tree_link(struct tree *tree, struct inode *dir, struct span name, struct inode *inode,
	      struct dentry **ret, struct diag *why);

/*
 * Take a name away, with all that is below it. What other names the inode has stay; which of them
 * is the primary, and what inode_count is, tree_settle() finds out. Constant time.
 */
void tree_unlink(struct tree *tree, struct dentry *dentry);

/* Give a name to another inode; the old one as by tree_unlink(). */
void dentry_inode_set(struct dentry *dentry, struct inode *inode);

/* The dentry of name in dir, or NULL. Constant time. */
struct dentry *tree_lookup(const struct tree *tree, const struct inode *dir, struct span name);

/*
 * Set an xattr, replacing the value of an equal key.
 *
 *   -EINVAL  the key is empty, longer than XATTR_KEY_SIZE_MAX, or holds NUL
 *   -E2BIG   the value is longer than XATTR_VALUE_SIZE_MAX, or the inode's xattrs take more than
 *            XATTR_NODE_SIZE_MAX
 */
int tree_xattr_set(struct tree *tree, struct inode *inode, struct span key, struct span value,
		   struct diag *why);

/* Take xattrs away: all, or those that stays() says no to. */
void inode_xattrs_clear(struct inode *inode);
typedef bool xattr_stays(const struct xattr *xattr, const void *context);
void inode_xattrs_filter(struct inode *inode, xattr_stays *stays, const void *context);

/* The xattr with that key, or NULL. */
const struct xattr *inode_xattr(const struct inode *inode, struct span key);

/* Set what a regular file or symlink holds; the bytes are copied. Returns 0 or -ENOMEM. */
int inode_content_set(struct tree *tree, struct inode *inode, struct span content);
int inode_target_set(struct tree *tree, struct inode *inode, struct span target);
/* payload NULL: no backing path. digest NULL or DIGEST_NONE: no digest. */
int inode_external_set(struct tree *tree, struct inode *inode, const struct span *payload,
		       const struct digest *digest);

/* The digest of an external file; algorithm DIGEST_NONE when it has none. */
struct digest inode_digest(const struct inode *inode);

/* Put the children of every directory in byte order of their names. Idempotent. */
void tree_sort(struct tree *tree);

/* Sort, and make the first name of each inode in breadth-first byte order its primary. 0, -ENOMEM.
 */
int tree_primaries_set(struct tree *tree);

/*
 * The same, and count: inodes, and the links of each, which are its names, or two and the
 * directories in it for a directory. For trees whose source has no link counts.
 */
int tree_settle(struct tree *tree);

static inline bool inode_is_dir(const struct inode *inode)
{
	return S_ISDIR(inode->mode);
}

/* A regular file whose content lies outside of the image. */
static inline bool inode_is_external(const struct inode *inode)
{
	return S_ISREG(inode->mode) && !inode->is_inline && inode->size > 0;
}

/* A whiteout of overlayfs: character device 0:0. */
static inline bool inode_is_whiteout(const struct inode *inode)
{
	return S_ISCHR(inode->mode) && inode->rdev == 0;
}

static inline struct span dentry_name(const struct dentry *dentry)
{
	return span_of(dentry->name, dentry->name_size);
}

/*
 * Walk all dentries depth first, children in list order, without recursion. Start with
 * tree_walk_first() (NULL when the root is empty); each dentry comes before those below it.
 */
struct dentry *tree_walk_first(const struct tree *tree);
struct dentry *tree_walk_next(const struct tree *tree, struct dentry *dentry);

#endif
