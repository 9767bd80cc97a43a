/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * dump_path.c - the directory of a path, starting from that of the path before
 *
 * Dumps are written depth first, so most lines share their directory with the line above, and most
 * others differ in the last components only.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "tree/dump_private.h"
#include "tree/tree.h"

struct dump_path_level {
	size_t end; /* the bytes of path->parent that name dir */
	struct inode *dir;
};

void dump_path_release(struct dump_path *path)
{
	buf_release(&path->parent);
	memory_freep(&path->levels);
	*path = (struct dump_path){0};
}

static int level_push(struct dump_path *path, size_t end, struct inode *dir, struct diag *why)
{
	struct dump_path_level *grown;
	size_t capacity;

	if (path->level_count > DEPTH_MAX)
		return diag_set(why, -E2BIG, "directories nested more than %d deep", DEPTH_MAX);
	if (path->level_count == path->level_capacity) {
		capacity = path->level_capacity ? 2 * path->level_capacity : 32;
		grown = reallocarray(path->levels, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		path->levels = grown;
		path->level_capacity = capacity;
	}
	path->levels[path->level_count++] = (struct dump_path_level){end, dir};
	return 0;
}

static size_t common_size(struct span a, struct span b)
{
	size_t size = a.size < b.size ? a.size : b.size, i = 0;

	while (i < size && a.data[i] == b.data[i])
		i++;
	return i;
}

/* Drop the levels that are not above parent. */
static void levels_keep(struct dump_path *path, struct span parent)
{
	size_t common = common_size(parent, buf_span(&path->parent));

	while (path->level_count > 1) {
		size_t end = path->levels[path->level_count - 1].end;

		if (end <= common && (end == parent.size || parent.data[end] == '/'))
			break;
		path->level_count--;
	}
}

struct span dump_path_component(struct span *rest)
{
	struct span component;
	size_t start = 0, end;

	while (start < rest->size && rest->data[start] == '/')
		start++;
	end = start;
	while (end < rest->size && rest->data[end] != '/')
		end++;
	component = span_of(rest->data + start, end - start);
	*rest = span_of(rest->data + end, rest->size - end);
	return component;
}

static int levels_descend(struct dump_path *path, const struct tree *tree, struct span parent,
			  struct diag *why)
{
	struct dump_path_level top = path->levels[path->level_count - 1];
	struct span rest = span_of(parent.data + top.end, parent.size - top.end), component;
	int r;

	while ((component = dump_path_component(&rest)).size) {
		struct dentry *dentry = tree_lookup(tree, top.dir, component);

		if (!dentry)
			return diag_set(why, -EUCLEAN, "the parent directory is not there yet");
		if (!inode_is_dir(dentry->inode))
			return diag_set(why, -EUCLEAN, "the parent is not a directory");
		top.dir = dentry->inode;
		top.end = (size_t)(component.data + component.size - parent.data);
		r = level_push(path, top.end, top.dir, why);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parent_find(struct dump_path *path, const struct tree *tree, struct span parent,
		       struct diag *why)
{
	int r;

	if (!path->level_count) {
		r = level_push(path, 0, tree->root, why);
		if (r < 0)
			return r;
	}
	levels_keep(path, parent);
	path->parent.size = 0;
	r = buf_append_span(&path->parent, parent);
	if (r == 0)
		r = levels_descend(path, tree, parent, why);
	if (r < 0)
		path->level_count = 0; /* they are not those of path->parent */
	return r;
}

int dump_path_find(struct dump_path *path, const struct tree *tree, struct span bytes,
		   struct inode **ret_dir, struct span *ret_name, struct diag *why)
{
	const uint8_t *slash = memrchr(bytes.data, '/', bytes.size);
	size_t parent_size = slash ? (size_t)(slash - bytes.data) : 0;
	struct span parent = span_of(bytes.data, parent_size), name = bytes;
	int r;

	if (slash)
		name = span_of(slash + 1, bytes.size - parent_size - 1);
	if (!path->level_count || !span_equal(parent, buf_span(&path->parent))) {
		r = parent_find(path, tree, parent, why);
		if (r < 0)
			return r;
	}
	*ret_dir = path->levels[path->level_count - 1].dir;
	*ret_name = name;
	return 0;
}
