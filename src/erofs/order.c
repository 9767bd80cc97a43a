/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * order.c - inodes from the root, children in byte order: breadth first (composefs-image.md,
 * section 5), or depth first in version 2
 *
 * The first reading of the whole tree, so what the format refuses is refused here, and the sums
 * that decide about the rest are made: build time, whiteouts, link counts of directories.
 */
#include <errno.h>

#include "base/diag.h"
#include "base/digest.h"
#include "base/limits.h"
#include "erofs/writer_private.h"

#define STUB_MODE (S_IFCHR | 0644)

static int digest_check(const struct format *format, const struct inode *inode, struct diag *why)
{
	if (inode->digest_size && !digest_algorithm_by_size(inode->digest_size))
		return diag_set(why, -EINVAL, "digest of %u bytes", inode->digest_size);
	if (!inode->digest_size && format->needs_digests)
		return diag_set(why, -EINVAL,
				"file of %llu bytes with neither content nor digest, which version "
				"2 cannot hold",
				(unsigned long long)inode->size);
	return 0;
}

static int file_check(const struct format *format, const struct inode *inode, struct diag *why)
{
	int r;

	if (inode->is_inline && inode->size > format->inline_size_max)
		return diag_set(why, -E2BIG, "inline content of %llu bytes, at most %u can be",
				(unsigned long long)inode->size, format->inline_size_max);
	if (!inode_is_external(inode))
		return 0;
	if (inode->size > format->external_size_max)
		return diag_set(why, -EFBIG, "file of %llu bytes, at most %llu can be",
				(unsigned long long)inode->size,
				(unsigned long long)format->external_size_max);
	r = digest_check(format, inode, why);
	if (r < 0)
		return r;
	if (inode->external.payload &&
	    strnlen(inode->external.payload, PAYLOAD_SIZE_MAX + 1) > PAYLOAD_SIZE_MAX)
		return diag_set(why, -E2BIG, "backing path of more than %d bytes",
				PAYLOAD_SIZE_MAX);
	return 0;
}

static int inode_check(const struct format *format, const struct inode *inode, struct diag *why)
{
	if (S_ISREG(inode->mode))
		return file_check(format, inode, why);
	if (S_ISLNK(inode->mode) && (inode->size == 0 || inode->size > format->symlink_size_max))
		return diag_set(why, -EINVAL, "symlink target of %llu bytes, 1 to %u can be",
				(unsigned long long)inode->size, format->symlink_size_max);
	return 0;
}

static void build_time_lower(struct writer *writer, const struct inode *inode)
{
	if (inode->mtime_sec > writer->build_time_sec)
		return;
	if (inode->mtime_sec == writer->build_time_sec &&
	    inode->mtime_nsec >= writer->build_time_nsec)
		return;
	writer->build_time_sec = inode->mtime_sec;
	writer->build_time_nsec = inode->mtime_nsec;
}

static int node_add(struct writer *writer, const struct inode *inode, bool is_stub)
{
	int r = array_reserve(&writer->nodes, writer->node_count, 1, &writer->node_capacity,
			      sizeof(*writer->nodes));

	if (r < 0)
		return r;
	if (writer->node_count == UINT32_MAX)
		return diag_set(writer->why, -EFBIG, "more inodes than can be numbered");
	writer->nodes[writer->node_count++] = (struct node){
		.inode = inode,
		.nlink = inode_is_dir(inode) ? 2 : inode->nlink,
		.is_stub = is_stub,
	};
	return 0;
}

static int child_add(struct writer *writer, size_t dir, struct inode *inode)
{
	int r = inode_check(writer->format, inode, writer->why);

	if (r < 0)
		return r;
	build_time_lower(writer, inode);
	inode->index = (uint32_t)writer->node_count;
	r = node_add(writer, inode, false);
	if (r < 0)
		return r;
	if (inode_is_dir(inode))
		writer->nodes[dir].nlink++;
	if (inode_is_whiteout(inode)) {
		writer->nodes[inode->index].is_converted = true;
		writer->nodes[dir].has_whiteouts = true;
		writer->has_whiteouts = true;
	}
	return 0;
}

/* A hard link's second name brings nothing new. */
static int dir_add(struct writer *writer, size_t dir)
{
	struct entries entries = entries_of(writer, writer->nodes[dir].inode);
	struct entry entry;
	int r = 0;

	while (r == 0 && entries_next(&entries, &entry)) {
		if (entry.kind == ENTRY_STUB) {
			writer->stub_nodes[entry.stub] = (uint32_t)writer->node_count;
			r = node_add(writer, &writer->stub, true);
		} else if (entry.kind == ENTRY_CHILD &&
			   entry.child->inode->primary == entry.child) {
			r = child_add(writer, dir, entry.child->inode);
		}
	}
	return r;
}

static void stub_init(struct writer *writer)
{
	const struct inode *root = writer->tree->root;
	char text[3];

	writer->stub = (struct inode){
		.mode = STUB_MODE,
		.nlink = 1,
		.uid = root->uid,
		.gid = root->gid,
		.mtime_sec = root->mtime_sec,
		.mtime_nsec = root->mtime_nsec,
	};
	for (unsigned int i = 0; i < 256; i++) {
		hex_encode(span_of(&(uint8_t){(uint8_t)i}, 1), text);
		memcpy(writer->stub_names[i], text, 2);
	}
}

int order_breadth_first(struct writer *writer)
{
	int r = 0;

	stub_init(writer);
	writer->build_time_sec = writer->tree->root->mtime_sec;
	writer->build_time_nsec = writer->tree->root->mtime_nsec;
	for (size_t i = 0; r == 0 && i < writer->node_count; i++) {
		if (inode_is_dir(writer->nodes[i].inode))
			r = dir_add(writer, i);
	}
	return r;
}

/* Of an inode that has none yet, index is anything. */
static bool inode_has_node(const struct writer *writer, const struct inode *inode)
{
	return inode->index < writer->node_count && writer->nodes[inode->index].inode == inode;
}

/*
 * An inode stands at the first of its names that is met, and has as many links as names; what the
 * tree says of either does not count. The build time is zero.
 */
int order_depth_first(struct writer *writer)
{
	for (struct dentry *d = tree_walk_first(writer->tree); d;
	     d = tree_walk_next(writer->tree, d)) {
		struct inode *inode = d->inode;
		int r;

		if (!inode_has_node(writer, inode)) {
			r = inode_check(writer->format, inode, writer->why);
			if (r < 0)
				return r;
			inode->index = (uint32_t)writer->node_count;
			r = node_add(writer, inode, false);
			if (r < 0)
				return r;
			if (!inode_is_dir(inode))
				writer->nodes[inode->index].nlink = 0;
		}
		writer->nodes[inode_is_dir(inode) ? d->parent->index : inode->index].nlink++;
	}
	return 0;
}

int writer_order(struct writer *writer)
{
	struct inode *root = writer->tree->root;
	int r;

	if (!root || !inode_is_dir(root))
		return diag_set(writer->why, -EINVAL, "there is no root directory");
	r = array_reserve(&writer->nodes, 0, (size_t)writer->tree->inode_count + 256,
			  &writer->node_capacity, sizeof(*writer->nodes));
	if (r < 0)
		return r;
	root->index = 0;
	r = node_add(writer, root, false);
	return r < 0 ? r : writer->format->order(writer);
}
