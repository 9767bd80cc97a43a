/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * entries.c - what a directory of the image lists: the children of the tree's, and the names that
 * only the image has
 */
#include "erofs/disk.h"
#include "erofs/writer_private.h"

#define DOT_COUNT 2
#define STUB_COUNT 256

/* The bytes of "." and "..". Their names, and "00" to "ff" behind them, are in byte order. */
static const char dots[] = "..";

struct entries entries_of(const struct writer *writer, const struct inode *dir)
{
	return (struct entries){
		.writer = writer,
		.child = dir->dir.first,
		.special_count = dir == writer->tree->root && writer->format->has_stubs
					 ? DOT_COUNT + STUB_COUNT
					 : DOT_COUNT,
	};
}

static struct entry special_entry(const struct writer *writer, unsigned int special)
{
	if (special < DOT_COUNT)
		return (struct entry){
			.name = span_of(dots, special + 1),
			.kind = special == 0 ? ENTRY_SELF : ENTRY_PARENT,
		};
	return (struct entry){
		.name = span_of(writer->stub_names[special - DOT_COUNT], 2),
		.kind = ENTRY_STUB,
		.stub = (uint8_t)(special - DOT_COUNT),
	};
}

bool entries_next(struct entries *entries, struct entry *ret)
{
	const struct dentry *child = entries->child;

	if (entries->special < entries->special_count) {
		struct entry special = special_entry(entries->writer, entries->special);
		int order = child ? span_compare(special.name, dentry_name(child)) : -1;

		if (order <= 0)
			entries->special++;
		if (order < 0) {
			*ret = special;
			return true;
		}
		/* A file with the name of a stub takes its place. */
	}
	if (!child)
		return false;
	*ret = (struct entry){.name = dentry_name(child), .kind = ENTRY_CHILD, .child = child};
	entries->child = child->next;
	return true;
}

size_t entries_block(struct entries *entries, struct entry *ret, size_t *ret_size)
{
	size_t count = 0, size = 0;
	struct entries ahead = *entries;

	while (entries_next(&ahead, &ret[count])) {
		size_t cost = sizeof(struct dirent_disk) + ret[count].name.size;

		if (size + cost > BLOCK_BYTES)
			break;
		size += cost;
		count++;
		*entries = ahead;
	}
	*ret_size = size;
	return count;
}

const struct node *entry_node(const struct writer *writer, const struct inode *dir,
			      const struct entry *entry)
{
	switch (entry->kind) {
	case ENTRY_SELF:
		break;
	case ENTRY_PARENT: /* of the root: itself */
		if (dir->primary)
			return &writer->nodes[dir->primary->parent->index];
		break;
	case ENTRY_STUB:
		return &writer->nodes[writer->stub_nodes[entry->stub]];
	case ENTRY_CHILD:
		return &writer->nodes[entry->child->inode->index];
	}
	return &writer->nodes[dir->index];
}
