/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * layout.c - where everything lies (composefs-image.md, sections 6 to 8)
 *
 *   0x480       inodes in order, each with its xattrs and the tail of its content
 *   inode_end   shared xattrs
 *   data_start  blocks: directories, large inline content, targets and chunk maps that found no
 * place
 */
#include <errno.h>

#include "base/ckd.h"
#include "base/diag.h"
#include "erofs/disk.h"
#include "erofs/writer_private.h"

#define TAIL_SIZE_MAX 2048u /* of directories and inline content; more goes into a block */

/* Section 6. Of one inode's xattrs the first shared_count_max that are shared are references. */
static int xattrs_measure(const struct writer *writer, struct node *node)
{
	uint64_t size = sizeof(struct xattr_header_disk);
	size_t shared = 0;

	if (!node->attr_count)
		return 0;
	for (size_t i = 0; i < node->attr_count; i++) {
		const struct pair *pair = &writer->pairs.pairs[writer->attrs[node->first_attr + i]];

		if (pair_is_shared(pair) && shared < writer->format->shared_count_max) {
			shared++;
			size += sizeof(le32);
		} else {
			size += pair_entry_size(&writer->pairs, pair);
		}
	}
	if ((size - sizeof(struct xattr_header_disk)) / 4 + 1 > UINT16_MAX)
		return diag_set(writer->why, -EINVAL, "xattrs of %llu bytes on one inode",
				(unsigned long long)size);
	node->xattr_size = (uint32_t)size;
	return 0;
}

static void dir_measure(const struct writer *writer, struct node *node)
{
	struct entries entries = entries_of(writer, node->inode);
	struct entry entry;
	uint32_t size = 0;

	while (entries_next(&entries, &entry)) {
		uint32_t cost = (uint32_t)(sizeof(struct dirent_disk) + entry.name.size);

		if (size + cost > BLOCK_BYTES) {
			node->blocks++;
			size = 0;
		}
		size += cost;
	}
	if (size > TAIL_SIZE_MAX) {
		node->blocks++;
		size = 0;
	}
	node->tail_size = (uint16_t)size;
}

static void inline_measure(struct node *node)
{
	uint32_t size = (uint32_t)node->inode->size;

	node->blocks = size / BLOCK_BYTES;
	node->tail_size = (uint16_t)(size % BLOCK_BYTES);
	if (node->tail_size > TAIL_SIZE_MAX) {
		node->blocks++;
		node->tail_size = 0;
	}
}

unsigned int chunk_bits(const struct format *format, uint64_t file_size)
{
	unsigned int bits = file_size > 1 ? 64 - (unsigned int)__builtin_clzll(file_size - 1) : 1;

	if (bits < format->chunk_bits_min)
		return format->chunk_bits_min;
	return bits > CHUNK_BITS_MAX ? CHUNK_BITS_MAX : bits;
}

uint32_t chunk_count(const struct format *format, uint64_t file_size)
{
	unsigned int bits = chunk_bits(format, file_size);

	return (uint32_t)((file_size + (1ULL << bits) - 1) >> bits);
}

/* Section 7. */
static void content_measure(const struct writer *writer, struct node *node)
{
	const struct inode *inode = node->inode;

	if (inode_is_dir(inode))
		dir_measure(writer, node);
	else if (S_ISLNK(inode->mode))
		node->tail_size = (uint16_t)inode->size;
	else if (inode_is_external(inode))
		node->tail_size =
			(uint16_t)(sizeof(le32) * chunk_count(writer->format, inode->size));
	else if (S_ISREG(inode->mode) && inode->is_inline)
		inline_measure(node);
}

/* The size that decides about the form of the inode; that of fifos and devices is not stored. */
static uint64_t stated_size(const struct node *node)
{
	if (inode_is_dir(node->inode))
		return (uint64_t)node->blocks * BLOCK_BYTES + node->tail_size;
	return node->is_converted ? 0 : node->inode->size;
}

static bool node_fits_compact(const struct writer *writer, const struct node *node)
{
	const struct inode *inode = node->inode;

	return writer->format->has_compact && inode->mtime_sec == writer->build_time_sec &&
	       inode->mtime_nsec == writer->build_time_nsec && node->nlink <= UINT16_MAX &&
	       inode->uid <= UINT16_MAX && inode->gid <= UINT16_MAX &&
	       stated_size(node) <= UINT32_MAX;
}

/*
 * Section 8, step 2, for a symlink: the inode does not cross a block edge, by its size with the
 * target even where that goes out of line.
 */
static uint64_t symlink_place(struct node *node, uint64_t at, uint64_t head_size)
{
	uint64_t total = head_size + node->tail_size;

	if (total >= BLOCK_BYTES) {
		node->blocks = 1;
		node->tail_size = 0;
	}
	if (at / BLOCK_BYTES != (at + total - 1) / BLOCK_BYTES)
		at = align_up(at, BLOCK_BYTES);
	return at;
}

/* The same for all others: the tail alone does not. */
static uint64_t tail_place(struct node *node, uint64_t at, uint64_t head_size)
{
	uint64_t left = BLOCK_BYTES - (at + head_size) % BLOCK_BYTES, skip;

	if (left >= node->tail_size)
		return at;
	skip = align_up(left, SLOT_BYTES);
	if (node->tail_size <= BLOCK_BYTES - (at + head_size + skip) % BLOCK_BYTES)
		return at + skip;
	node->blocks++;
	node->tail_size = 0;
	return align_up(at, BLOCK_BYTES);
}

uint64_t place_by_kind(struct node *node, uint64_t at)
{
	uint64_t head_size = node_head_size(node) + node->xattr_size;

	return S_ISLNK(node->inode->mode) ? symlink_place(node, at, head_size)
					  : tail_place(node, at, head_size);
}

/*
 * The rule of version 2: a tail that would reach the block edge, be it only with its last byte or
 * its first, begins right behind that edge. The word of a chunk map lies as it comes. No tail of
 * this format is longer than what is left there.
 */
uint64_t place_tail_inside(struct node *node, uint64_t at)
{
	uint64_t left = -(at + node_head_size(node) + node->xattr_size) % BLOCK_BYTES;

	if (!node->tail_size || inode_is_external(node->inode) || node->tail_size < left)
		return at;
	return at + SLOT_BYTES * (left / SLOT_BYTES + 1);
}

static uint64_t node_place(const struct writer *writer, struct node *node, uint64_t at)
{
	at = writer->format->place(node, align_up(at, SLOT_BYTES));
	node->nid = at / SLOT_BYTES;
	return at + node_head_size(node) + node->xattr_size + node->tail_size;
}

/* References to shared xattrs are 32 bits of 4 bytes each. */
static int shared_check(const struct writer *writer)
{
	uint64_t end = writer->inode_end + writer->pairs.shared_size - writer->xattr_start;

	if (end / 4 > UINT32_MAX)
		return diag_set(writer->why, -EFBIG, "more shared xattrs than ids can reach");
	return 0;
}

/* Sums stay far below 2^64: 2^32 inodes of less than 2^19 bytes. */
int writer_layout(struct writer *writer)
{
	uint64_t at = SUPER_OFFSET + sizeof(struct super_disk);

	for (size_t i = 0; i < writer->node_count; i++) {
		struct node *node = &writer->nodes[i];
		int r = xattrs_measure(writer, node);

		if (r < 0)
			return r;
		content_measure(writer, node);
		node->is_compact = node_fits_compact(writer, node);
		at = node_place(writer, node, at);
		writer->data_blocks += node->blocks;
	}
	writer->inode_end = align_up(at, SLOT_BYTES);
	if (!writer->format->shared_from_file_start)
		writer->xattr_start = writer->inode_end / BLOCK_BYTES * BLOCK_BYTES;
	writer->data_start = align_up(writer->inode_end + writer->pairs.shared_size, BLOCK_BYTES);
	if (writer->data_start / BLOCK_BYTES + writer->data_blocks > UINT32_MAX)
		return diag_set(writer->why, -EFBIG, "more metadata than block numbers reach");
	if (writer->nodes[0].nid >= UINT16_MAX)
		return diag_set(writer->why, -EFBIG, "the root inode lies too far back");
	return shared_check(writer);
}
