/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * writer_private.h - the pieces of the image writer
 *
 * In the order of the work: order.c numbers the inodes, rewrite.c says what xattrs each will have,
 * pairs.c keeps those once each, layout.c places everything, emit.c writes it; entries.c lists a
 * directory for all of them. Sections are those of composefs-image.md; what version 2 does
 * otherwise is in composefs-repository.md, section 5, and here in format.c.
 */
#ifndef LAMINA_EROFS_WRITER_PRIVATE_H
#define LAMINA_EROFS_WRITER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/span.h"
#include "erofs/disk.h"
#include "erofs/writer.h"
#include "tree/tree.h"

#define BLOCK_BYTES 4096u
#define SLOT_BYTES 32u
#define SHARED_COUNT_MAX UINT8_MAX /* references of one inode; a format may have less */

/*
 * Make room for extra more items of item_size bytes in the array that *array_address points to,
 * doubling it. Returns 0 or -ENOMEM (writer.c).
 */
int array_reserve(void *array_address, size_t count, size_t extra, size_t *capacity,
		  size_t item_size);

/* Pairs of xattr key and value (pairs.c) */

struct pair_key {
	struct span full;
	struct span suffix; /* without the prefix that the index stands for */
	uint32_t number;
	uint8_t prefix; /* enum xattr_prefix */
	uint8_t filter_bit;
};

/* Bytes of a value that are not in the tree, in front of those that are. */
enum value_head {
	HEAD_NONE,
	HEAD_SLASH,    /* of a redirect */
	HEAD_METACOPY, /* of a digest, which follows */
};

#define VALUE_HEAD_SIZE_MAX 4

struct attr {
	const struct pair_key *key;
	struct span body; /* bytes of the tree, or constant */
	enum value_head head;
};

/* 24 bytes, because most files bring two of their own. */
struct pair {
	const uint8_t *body;
	uint32_t key_number;
	uint32_t uses; /* inodes that have it */
	uint32_t
		shared_place; /* uses > 1: from the start of the shared area, in units of 4 bytes */
	uint16_t body_size;
	uint8_t head; /* enum value_head */
};

struct pair_slot {
	uint32_t hash;
	uint32_t number; /* of the pair, from 1; 0: empty */
};

/* Starts as {0}. */
struct pairs {
	struct arena arena;
	bool knows_lustre; /* "lustre." is a prefix */
	struct map keys_by_name;
	const struct pair_key **keys; /* owned; by number */
	size_t key_count;
	size_t key_capacity;
	struct pair *pairs; /* owned */
	size_t pair_count;
	size_t pair_capacity;
	struct pair_slot *slots; /* owned */
	size_t slot_count;       /* a power of two, or 0 */
	uint32_t *shared;        /* owned; pair numbers in the order of the shared area */
	size_t shared_count;
	uint64_t shared_size; /* bytes of the shared area */
};

void pairs_release(struct pairs *pairs);

/* The one struct pair_key of that name. Returns 0 or -ENOMEM. */
int pairs_key(struct pairs *pairs, struct span full, const struct pair_key **ret);

/* Count one more inode that has attr; *ret is the number of the pair, from 0. */
int pairs_use(struct pairs *pairs, const struct attr *attr, uint32_t *ret, struct diag *why);

/* Of qsort_r(): two pair numbers, and the pairs. */
typedef int pair_order(const void *left, const void *right, void *pairs);

/* Descending by key, then by length of the value, then by its bytes. */
int pair_order_descending(const void *left, const void *right, void *context);

/* Ascending by prefix, rest of the key, and bytes of the value. */
int pair_order_ascending(const void *left, const void *right, void *context);

/* Order the pairs that are used more than once. Nothing is added after this. */
int pairs_share(struct pairs *pairs, pair_order *order, struct diag *why);

static inline const struct pair_key *pair_key(const struct pairs *pairs, const struct pair *pair)
{
	return pairs->keys[pair->key_number];
}

static inline bool pair_is_shared(const struct pair *pair)
{
	return pair->uses > 1;
}

/* The bytes before the body into head[VALUE_HEAD_SIZE_MAX]; returns how many. */
size_t pair_head(const struct pair *pair, uint8_t *head);

/* Bytes of the value. */
size_t pair_value_size(const struct pair *pair);

/* Bytes of the entry: head, name, value, and zeros up to a multiple of 4. */
size_t pair_entry_size(const struct pairs *pairs, const struct pair *pair);

/* The writing of one image */

struct writer;

struct node {
	const struct inode *inode; /* of the tree, or the writer's stub */
	uint64_t nid;
	uint32_t nlink;
	uint32_t first_attr; /* in writer->attrs */
	uint32_t xattr_size; /* bytes of the xattr area */
	uint32_t blocks;     /* out of line */
	uint16_t attr_count;
	uint16_t tail_size; /* bytes behind the xattr area */
	bool is_compact : 1;
	bool is_stub : 1;
	bool is_converted : 1;  /* a whiteout, which becomes a regular file */
	bool has_whiteouts : 1; /* a directory with one in it */
};

struct rewriter; /* rewrite.c */

/* What one format does otherwise than the other. Sizes in bytes. */
struct format {
	/* order.c */
	int (*order)(struct writer *writer);
	uint32_t inline_size_max;
	uint32_t symlink_size_max;
	uint64_t external_size_max;
	bool needs_digests; /* of external files */
	bool has_stubs;     /* section 4.5 */
	/* rewrite.c, pairs.c */
	int (*xattrs)(struct rewriter *rewriter, const struct node *node);
	pair_order *shared_order;
	bool knows_lustre;
	/* layout.c */
	uint64_t (*place)(struct node *node, uint64_t at);
	uint32_t shared_count_max;   /* references of one inode; further ones are kept inline */
	uint32_t chunk_bits_min;     /* log2 of the smallest chunk */
	bool has_compact;            /* inodes */
	bool shared_from_file_start; /* references count from there */
	/* emit.c */
	bool has_nanoseconds;
	bool has_acl_flag;
	bool numbers_by_place; /* an inode's number is its nid, not its index */
};

/* That of a version that is written (format.c). */
const struct format *format_of(uint32_t version);

struct writer {
	const struct tree *tree;
	struct diag *why;
	const struct format *format;
	uint32_t version;
	/* order.c */
	struct node *nodes; /* owned; by inode number */
	size_t node_count;
	size_t node_capacity;
	struct inode stub;        /* what all 256 are, section 4.5 */
	uint32_t stub_nodes[256]; /* inode number of each; 0: there is none */
	char stub_names[256][2];  /* "00" to "ff" */
	int64_t build_time_sec;
	uint32_t build_time_nsec;
	bool has_whiteouts;
	/* rewrite.c */
	struct pairs pairs;
	uint32_t *attrs; /* owned; pair numbers, those of each node in key order */
	size_t attr_count;
	size_t attr_capacity;
	bool has_acl;
	/* layout.c */
	uint64_t inode_end;   /* where the shared xattrs begin */
	uint64_t xattr_start; /* what references to them count from */
	uint64_t data_start;  /* where the blocks begin */
	uint64_t data_blocks;
};

static inline uint32_t node_head_size(const struct node *node)
{
	return node->is_compact ? sizeof(struct inode_compact_disk)
				: sizeof(struct inode_extended_disk);
}

/* The hole that stands for an external file (layout.c). */
#define CHUNK_BITS_MIN 12u
#define CHUNK_BITS_MAX 43u
unsigned int chunk_bits(const struct format *format, uint64_t file_size);
uint32_t chunk_count(const struct format *format, uint64_t file_size);

/* Section 5: fill nodes; set each inode's index. */
int writer_order(struct writer *writer);
int order_breadth_first(struct writer *writer);
int order_depth_first(struct writer *writer);

/* Section 4: fill attrs and pairs. */
int writer_rewrite(struct writer *writer);
int xattrs_with_marks(struct rewriter *rewriter, const struct node *node);
int xattrs_overlay_first(struct rewriter *rewriter, const struct node *node);

/* Sections 6 to 8: give every node its place. */
int writer_layout(struct writer *writer);
uint64_t place_by_kind(struct node *node, uint64_t at);
uint64_t place_tail_inside(struct node *node, uint64_t at);

/* Section 9: write all bytes. */
int writer_emit(const struct writer *writer, erofs_sink *sink, void *context);

/* Names of a directory in byte order, "." and ".." and the stubs among them (entries.c) */

enum entry_kind {
	ENTRY_SELF,
	ENTRY_PARENT,
	ENTRY_STUB,
	ENTRY_CHILD,
};

struct entry {
	struct span name;
	enum entry_kind kind;
	uint8_t stub;               /* of ENTRY_STUB: which */
	const struct dentry *child; /* of ENTRY_CHILD */
};

struct entries {
	const struct writer *writer;
	const struct dentry *child;
	unsigned int special; /* of the names that are not in the tree, the next... */
	unsigned int special_count;
};

struct entries entries_of(const struct writer *writer, const struct inode *dir);
bool entries_next(struct entries *entries, struct entry *ret);

/*
 * The entries of the next directory block into ret[DIR_BLOCK_ENTRIES]. Returns the count, 0 at the
 * end; *ret_size is the bytes they take.
 */
#define DIR_BLOCK_ENTRIES (4096 / 13 + 1) /* the smallest take 13 bytes; one is read too far */
size_t entries_block(struct entries *entries, struct entry *ret, size_t *ret_size);

/* The node that entry of directory dir leads to. */
const struct node *entry_node(const struct writer *writer, const struct inode *dir,
			      const struct entry *entry);

#endif
