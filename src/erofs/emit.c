/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * emit.c - the bytes of an image, in order (composefs-image.md, sections 2, 6 and 9)
 *
 * Everything has its place by now; each place is asserted when the output arrives there.
 */
#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"
#include "erofs/disk.h"
#include "erofs/output.h"
#include "erofs/writer_private.h"

static void emit_super(const struct writer *writer, struct output *output)
{
	struct composefs_header_disk header = {
		.magic = le32_of(COMPOSEFS_MAGIC),
		.header_version = le32_of(COMPOSEFS_HEADER_VERSION),
		.flags = le32_of(writer->has_acl && writer->format->has_acl_flag
					 ? COMPOSEFS_FLAG_HAS_ACL
					 : 0),
		.composefs_version = le32_of(writer->version),
	};
	uint64_t blocks = writer->data_start / BLOCK_BYTES + writer->data_blocks;
	struct super_disk super = {
		.magic = le32_of(SUPER_MAGIC),
		.feature_compat = le32_of(SUPER_COMPAT_MTIME | SUPER_COMPAT_XATTR_FILTER),
		.block_bits = 12,
		.root_nid = le16_of((uint16_t)writer->nodes[0].nid),
		.inode_count = le64_of(writer->node_count),
		.build_time = le64_of((uint64_t)writer->build_time_sec),
		.build_time_nsec = le32_of(writer->build_time_nsec),
		.block_count = le32_of((uint32_t)blocks),
		.xattr_block = le32_of((uint32_t)(writer->xattr_start / BLOCK_BYTES)),
	};

	output_put(output, &header, sizeof(header));
	output_seek(output, SUPER_OFFSET);
	output_put(output, &super, sizeof(super));
}

/* Xattrs */

static void emit_pair(const struct pairs *pairs, const struct pair *pair, struct output *output)
{
	const struct pair_key *key = pair_key(pairs, pair);
	struct xattr_entry_disk entry = {
		.name_size = (uint8_t)key->suffix.size,
		.prefix = key->prefix,
		.value_size = le16_of((uint16_t)pair_value_size(pair)),
	};
	uint8_t head[VALUE_HEAD_SIZE_MAX];
	size_t head_size = pair_head(pair, head);
	uint64_t end = output->offset + pair_entry_size(pairs, pair);

	output_put(output, &entry, sizeof(entry));
	output_put(output, key->suffix.data, key->suffix.size);
	output_put(output, head, head_size);
	output_put(output, pair->body, pair->body_size);
	output_seek(output, end);
}

/* Ids count from the block that xattr_block names, in units of 4 bytes. */
static le32 shared_id(const struct writer *writer, const struct pair *pair)
{
	return le32_of((uint32_t)((writer->inode_end - writer->xattr_start) / 4) +
		       pair->shared_place);
}

static void emit_xattrs(const struct writer *writer, const struct node *node, struct output *output)
{
	const struct pairs *pairs = &writer->pairs;
	const uint32_t *attrs = writer->attrs + node->first_attr;
	struct xattr_header_disk header = {0};
	le32 ids[SHARED_COUNT_MAX];
	uint32_t filter = UINT32_MAX;
	size_t shared = 0, i;

	if (!node->attr_count)
		return;
	for (i = 0; i < node->attr_count; i++) {
		const struct pair *pair = &pairs->pairs[attrs[i]];

		filter &= ~(1u << pair_key(pairs, pair)->filter_bit);
		if (pair_is_shared(pair) && shared < writer->format->shared_count_max)
			ids[shared++] = shared_id(writer, pair);
	}
	header.name_filter = le32_of(filter);
	header.shared_count = (uint8_t)shared;
	output_put(output, &header, sizeof(header));
	output_put(output, ids, shared * sizeof(ids[0]));
	for (i = 0; i < node->attr_count; i++) {
		const struct pair *pair = &pairs->pairs[attrs[i]];

		if (pair_is_shared(pair) && shared)
			shared--;
		else
			emit_pair(pairs, pair, output);
	}
}

static void emit_shared(const struct writer *writer, struct output *output)
{
	const struct pairs *pairs = &writer->pairs;

	for (size_t i = 0; i < pairs->shared_count; i++)
		emit_pair(pairs, &pairs->pairs[pairs->shared[i]], output);
}

/* Directories */

static uint8_t dirent_type_of(const struct node *node)
{
	if (node->is_converted)
		return DIRENT_REGULAR;
	switch (node->inode->mode & S_IFMT) {
	case S_IFREG:
		return DIRENT_REGULAR;
	case S_IFDIR:
		return DIRENT_DIRECTORY;
	case S_IFCHR:
		return DIRENT_CHARACTER;
	case S_IFBLK:
		return DIRENT_BLOCK;
	case S_IFIFO:
		return DIRENT_FIFO;
	case S_IFSOCK:
		return DIRENT_SOCKET;
	case S_IFLNK:
		return DIRENT_SYMLINK;
	default:
		return DIRENT_UNKNOWN;
	}
}

/* Records, then names; returns the bytes they take. */
static size_t emit_entries(const struct writer *writer, const struct inode *dir,
			   struct entries *entries, struct output *output)
{
	struct entry block[DIR_BLOCK_ENTRIES];
	size_t size, count = entries_block(entries, block, &size);
	size_t name_offset = count * sizeof(struct dirent_disk);
	uint8_t *records = output_room(output, size), *names = records + name_offset;

	for (size_t i = 0; i < count; i++) {
		const struct node *node = entry_node(writer, dir, &block[i]);
		struct dirent_disk record = {
			.nid = le64_of(node->nid),
			.name_offset = le16_of((uint16_t)(names - records)),
			.type = dirent_type_of(node),
		};

		memcpy(records + i * sizeof(record), &record, sizeof(record));
		memcpy(names, block[i].name.data, block[i].name.size);
		names += block[i].name.size;
	}
	return size;
}

static void emit_dir_tail(const struct writer *writer, const struct node *node,
			  struct output *output)
{
	struct entries entries = entries_of(writer, node->inode);
	struct entry block[DIR_BLOCK_ENTRIES];
	size_t size;

	for (uint32_t i = 0; i < node->blocks; i++)
		(void)entries_block(&entries, block, &size);
	(void)emit_entries(writer, node->inode, &entries, output);
}

static void emit_dir_blocks(const struct writer *writer, const struct node *node,
			    struct output *output)
{
	struct entries entries = entries_of(writer, node->inode);

	for (uint32_t i = 0; i < node->blocks; i++)
		output_zeros(output,
			     BLOCK_BYTES - emit_entries(writer, node->inode, &entries, output));
}

/* Contents */

static void emit_holes(size_t size, struct output *output)
{
	memset(output_room(output, size), 0xff, size); /* CHUNK_HOLE in any byte order */
}

static void emit_tail(const struct writer *writer, const struct node *node, struct output *output)
{
	const struct inode *inode = node->inode;
	size_t before = (size_t)node->blocks * BLOCK_BYTES;

	if (!node->tail_size)
		return;
	if (inode_is_dir(inode))
		emit_dir_tail(writer, node, output);
	else if (S_ISLNK(inode->mode))
		output_put(output, inode->symlink.target, inode->size);
	else if (inode_is_external(inode))
		emit_holes(node->tail_size, output);
	else
		output_put(output, inode->inlined.content + before, node->tail_size);
}

static void emit_blocks(const struct writer *writer, const struct node *node, struct output *output)
{
	const struct inode *inode = node->inode;
	uint64_t end = output->offset + (uint64_t)node->blocks * BLOCK_BYTES;
	size_t size = (size_t)node->blocks * BLOCK_BYTES;

	if (inode_is_dir(inode))
		emit_dir_blocks(writer, node, output);
	else if (inode_is_external(inode))
		emit_holes(size, output);
	else if (S_ISLNK(inode->mode))
		output_put(output, inode->symlink.target, inode->size);
	else
		output_put(output, inode->inlined.content,
			   inode->size < size ? (size_t)inode->size : size);
	output_seek(output, end);
}

/* Inodes */

static uint64_t stored_size(const struct node *node)
{
	const struct inode *inode = node->inode;

	if (inode_is_dir(inode))
		return (uint64_t)node->blocks * BLOCK_BYTES + node->tail_size;
	return S_ISREG(inode->mode) || S_ISLNK(inode->mode) ? inode->size : 0;
}

/* first_block: of the inode's out-of-line content. */
static uint32_t stored_u(const struct format *format, const struct node *node, uint32_t first_block)
{
	const struct inode *inode = node->inode;
	uint32_t u = node->blocks ? first_block : 0;

	if (inode_is_external(inode)) /* the high half stays as it is: a quirk of the format */
		return (u & 0xffff0000u) | (chunk_bits(format, inode->size) - CHUNK_BITS_MIN);
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		return inode->rdev;
	return u;
}

static uint16_t stored_format(const struct node *node)
{
	enum inode_layout layout = node->tail_size ? LAYOUT_FLAT_INLINE : LAYOUT_FLAT_PLAIN;

	if (inode_is_external(node->inode))
		layout = LAYOUT_CHUNK_BASED;
	return (uint16_t)(layout << INODE_LAYOUT_SHIFT | (node->is_compact ? 0 : INODE_EXTENDED));
}

static uint16_t stored_mode(const struct node *node)
{
	uint32_t mode = node->inode->mode;

	return (uint16_t)(node->is_converted ? S_IFREG | (mode & 07777) : mode);
}

static uint16_t stored_xattr_icount(const struct node *node)
{
	if (!node->attr_count)
		return 0;
	return (uint16_t)((node->xattr_size - sizeof(struct xattr_header_disk)) / 4 + 1);
}

static uint32_t stored_number(const struct writer *writer, const struct node *node)
{
	if (writer->format->numbers_by_place)
		return (uint32_t)node->nid; /* the low half, as the format says */
	return (uint32_t)(node - writer->nodes);
}

static void emit_head(const struct writer *writer, const struct node *node, uint32_t first_block,
		      struct output *output)
{
	const struct format *format = writer->format;
	const struct inode *inode = node->inode;

	if (node->is_compact) {
		struct inode_compact_disk head = {
			.format = le16_of(stored_format(node)),
			.xattr_icount = le16_of(stored_xattr_icount(node)),
			.mode = le16_of(stored_mode(node)),
			.nlink = le16_of((uint16_t)node->nlink),
			.size = le32_of((uint32_t)stored_size(node)),
			.u = le32_of(stored_u(format, node, first_block)),
			.ino = le32_of(stored_number(writer, node)),
			.uid = le16_of((uint16_t)inode->uid),
			.gid = le16_of((uint16_t)inode->gid),
		};

		output_put(output, &head, sizeof(head));
	} else {
		struct inode_extended_disk head = {
			.format = le16_of(stored_format(node)),
			.xattr_icount = le16_of(stored_xattr_icount(node)),
			.mode = le16_of(stored_mode(node)),
			.size = le64_of(stored_size(node)),
			.u = le32_of(stored_u(format, node, first_block)),
			.ino = le32_of(stored_number(writer, node)),
			.uid = le32_of(inode->uid),
			.gid = le32_of(inode->gid),
			.mtime_sec = le64_of((uint64_t)inode->mtime_sec),
			.mtime_nsec = le32_of(format->has_nanoseconds ? inode->mtime_nsec : 0),
			.nlink = le32_of(node->nlink),
		};

		output_put(output, &head, sizeof(head));
	}
}

static void emit_inodes(const struct writer *writer, struct output *output)
{
	uint32_t block = (uint32_t)(writer->data_start / BLOCK_BYTES);

	for (size_t i = 0; i < writer->node_count && !output->failed; i++) {
		const struct node *node = &writer->nodes[i];

		output_seek(output, node->nid * SLOT_BYTES);
		emit_head(writer, node, block, output);
		emit_xattrs(writer, node, output);
		assert(output->failed || output->offset == node->nid * SLOT_BYTES +
								   node_head_size(node) +
								   node->xattr_size);
		emit_tail(writer, node, output);
		block += node->blocks;
	}
}

int writer_emit(const struct writer *writer, erofs_sink *sink, void *context)
{
	CLEAN(memory_freep) struct output *output = output_new(sink, context, writer->why);

	if (!output)
		return -ENOMEM;
	emit_super(writer, output);
	emit_inodes(writer, output);
	if (output->failed)
		return output->failed;
	output_seek(output, writer->inode_end);
	emit_shared(writer, output);
	output_seek(output, writer->data_start);
	for (size_t i = 0; i < writer->node_count && !output->failed; i++) {
		if (writer->nodes[i].blocks)
			emit_blocks(writer, &writer->nodes[i], output);
	}
	return output_flush(output);
}
