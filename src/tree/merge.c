/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * How a whiteout knows what its own layer has: each dentry has the number of the last layer with an
 * entry for it or below it. A whiteout takes away the lower numbers. What is left is walked once a
 * layer: a directory remembers that nothing from below is in it any more (inode.index).
 */
#include "tree/merge.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/diag.h"
#include "base/limits.h"
#include "tree/tree.h"

#define WHITEOUT SPAN_LITERAL(".wh.")
#define WHITEOUT_META SPAN_LITERAL(".wh..wh.")       /* of aufs: says nothing of files */
#define WHITEOUT_OPAQUE SPAN_LITERAL(".wh..wh..opq") /* but for this one */

/* Enough of a name to find it by; nothing of it moves the cursor of a terminal. */
#define QUOTED_SIZE 256

static const char *quote(struct span name, char text[QUOTED_SIZE])
{
	size_t size = name.size < QUOTED_SIZE - 1 ? name.size : QUOTED_SIZE - 1;

	for (size_t i = 0; i < size; i++)
		text[i] = name.data[i] < ' ' || name.data[i] == 0x7f ? '?' : (char)name.data[i];
	text[size] = '\0';
	return text;
}

/* The next component of a path that says something; empty at the end. */
static struct span component_take(struct span *path)
{
	struct span rest = *path;

	while (rest.size) {
		const uint8_t *slash = memchr(rest.data, '/', rest.size);
		size_t size = slash ? (size_t)(slash - rest.data) : rest.size;
		struct span component = span_of(rest.data, size);

		rest = slash ? span_of(slash + 1, rest.size - size - 1) : SPAN_EMPTY;
		if (size && !span_equal(component, SPAN_LITERAL("."))) {
			*path = rest;
			return component;
		}
	}
	*path = rest;
	return SPAN_EMPTY;
}

static int path_check(struct span path, struct diag *why)
{
	struct span component;

	if (path.size >= PATH_MAX)
		return diag_set(why, -ENAMETOOLONG, "a path of %zu bytes, at most %d can be",
				path.size, PATH_MAX - 1);
	while ((component = component_take(&path)).size) {
		if (span_equal(component, SPAN_LITERAL("..")))
			return diag_set(why, -EUCLEAN, "it has a '..'");
	}
	return 0;
}

/* What a directory is that no entry describes. */
static void metadata_imply(struct inode *dir)
{
	dir->mode = S_IFDIR | 0755;
	dir->uid = dir->gid = 0;
	dir->mtime_sec = 0;
	dir->mtime_nsec = 0;
	inode_xattrs_clear(dir);
}

/*
 * The limits of a whole image, however many layers it has. The chunks of the arena, and the slots
 * of the names, are what there is of memory.
 */
static int budget_take(struct tree *tree, struct diag *why)
{
	uint64_t memory = tree->arena.size + tree->names.capacity * sizeof(struct map_slot) +
			  tree->xattrs.capacity * sizeof(struct map_slot);

	if (++tree->merged_count > MERGE_ENTRY_MAX)
		return diag_set(why, -E2BIG, "more than %llu entries in all layers of the image",
				(unsigned long long)MERGE_ENTRY_MAX);
	if (memory > MERGE_MEMORY_MAX)
		return diag_set(why, -E2BIG, "the layers of the image take more than %llu MiB",
				(unsigned long long)MERGE_MEMORY_MAX / (1024 * 1024));
	return 0;
}

int merge_layer_begin(struct tree *tree)
{
	tree->layer++; /* one more than layers were read: it cannot wrap */
	if (!tree->root) {
		struct inode *root = tree_inode_new(tree, S_IFDIR | 0755);

		return root ? tree_root_set(tree, root, NULL) : -ENOMEM;
	}
	return 0;
}

/* Nothing of lower layers stays below dir. */
static void dir_prune(struct tree *tree, struct inode *top)
{
	struct inode *dir = top;
	struct dentry *at = dir->dir.first;

	if (top->index == tree->layer)
		return;
	while (true) {
		struct dentry *next;

		if (!at) {
			dir->index = tree->layer;
			if (dir == top)
				return;
			at = dir->primary->next;
			dir = dir->primary->parent;
			continue;
		}
		next = at->next;
		if (at->layer < tree->layer)
			tree_unlink(tree, at);
		else if (at->is_implied)
			metadata_imply(at->inode);
		if (at->layer == tree->layer && inode_is_dir(at->inode) &&
		    at->inode->index < tree->layer) {
			dir = at->inode;
			next = dir->dir.first;
		}
		at = next;
	}
}

static int whiteout(struct tree *tree, struct inode *dir, struct span name, struct diag *why)
{
	struct dentry *hidden;

	if (name.size == 0 || span_equal(name, SPAN_LITERAL(".")) ||
	    span_equal(name, SPAN_LITERAL("..")))
		return diag_set(why, -EUCLEAN, "a whiteout of nothing");
	hidden = tree_lookup(tree, dir, name);
	if (!hidden)
		return 0;
	if (hidden->layer < tree->layer) {
		tree_unlink(tree, hidden);
		return 0;
	}
	if (hidden->is_implied)
		metadata_imply(hidden->inode);
	if (inode_is_dir(hidden->inode))
		dir_prune(tree, hidden->inode);
	return 0;
}

/* A new directory with nothing of lower layers in it. */
static struct inode *dir_new(struct tree *tree)
{
	struct inode *dir = tree_inode_new(tree, S_IFDIR | 0755);

	if (dir)
		dir->index = tree->layer;
	return dir;
}

static int link_new(struct tree *tree, struct inode *dir, struct span name, struct inode *inode,
		    bool is_implied, struct diag *why)
{
	struct dentry *dentry;
	int r = tree_link(tree, dir, name, inode, &dentry, why);

	if (r < 0)
		return r;
	dentry->layer = tree->layer;
	dentry->is_implied = is_implied;
	return 0;
}

/* The directory name in *dir, made when missing, into *dir. -ENOTDIR, unexplained: it is none. */
static int parent_enter(struct tree *tree, struct inode **dir, struct span name, struct diag *why)
{
	struct dentry *dentry = tree_lookup(tree, *dir, name);
	struct inode *made;
	int r;

	if (!dentry) {
		r = budget_take(tree, why);
		if (r < 0)
			return r;
		made = dir_new(tree);
		if (!made)
			return -ENOMEM;
		r = link_new(tree, *dir, name, made, true, why);
		if (r == 0)
			*dir = made;
		return r;
	}
	if (!inode_is_dir(dentry->inode))
		return -ENOTDIR;
	if (dentry->layer < tree->layer) {
		dentry->layer = tree->layer;
		dentry->is_implied = true;
	}
	*dir = dentry->inode;
	return 0;
}

/*
 * What is to be hidden below something else than a directory is hidden already: umoci writes such a
 * whiteout for what was in a directory that has become a file.
 */
static int no_parent(struct span path, struct diag *why)
{
	struct span last = SPAN_EMPTY, next;

	while ((next = component_take(&path)).size)
		last = next;
	if (span_starts_with(last, WHITEOUT))
		return 0;
	return diag_set(why, -EUCLEAN, "what it should be in is not a directory");
}

/*
 * The directory that path is in and its last component, empty for the root. Returns 1, or 0 for
 * what says nothing: in a directory of aufs, or a whiteout below a file.
 */
static int parent_find(struct tree *tree, struct span path, struct inode **ret_dir,
		       struct span *ret_name, struct diag *why)
{
	const struct span whole = path;
	struct inode *dir = tree->root;
	struct span name = component_take(&path), next;

	for (; (next = component_take(&path)).size; name = next) {
		int r;

		if (span_starts_with(name, WHITEOUT_META))
			return 0;
		if (span_starts_with(name, WHITEOUT))
			return diag_set(why, -EUCLEAN, "it is in a whiteout");
		r = parent_enter(tree, &dir, name, why);
		if (r < 0)
			return r == -ENOTDIR ? no_parent(whole, why) : r;
	}
	*ret_dir = dir;
	*ret_name = name;
	return 1;
}

static int target_find(const struct tree *tree, struct span path, struct inode **ret,
		       struct diag *why)
{
	struct inode *inode = tree->root;
	struct span component;
	int r = path_check(path, why);

	if (r < 0)
		return r;
	while ((component = component_take(&path)).size) {
		struct dentry *dentry =
			inode_is_dir(inode) ? tree_lookup(tree, inode, component) : NULL;

		if (!dentry)
			return diag_set(why, -EUCLEAN, "there is no file to link to");
		inode = dentry->inode;
	}
	if (inode_is_dir(inode))
		return diag_set(why, -EUCLEAN, "the file to link to is a directory");
	*ret = inode;
	return 0;
}

static int metadata_set(struct tree *tree, struct inode *inode, const struct merge_entry *entry,
			struct diag *why)
{
	inode->mode = entry->mode;
	inode->uid = entry->uid;
	inode->gid = entry->gid;
	inode->rdev = entry->rdev;
	inode->mtime_sec = entry->mtime_sec;
	inode->mtime_nsec = entry->mtime_nsec;
	inode_xattrs_clear(inode);
	for (size_t i = 0; i < entry->xattr_count; i++) {
		int r = tree_xattr_set(tree, inode, entry->xattrs[i].key, entry->xattrs[i].value,
				       why);

		if (r < 0)
			return r;
	}
	return 0;
}

static int content_set(struct tree *tree, struct inode *inode, const struct merge_entry *entry)
{
	char path[DIGEST_PATH_SIZE_MAX];
	struct span payload;

	if (S_ISLNK(entry->mode))
		return inode_target_set(tree, inode, entry->target);
	if (!S_ISREG(entry->mode))
		return 0;
	if (entry->digest.algorithm == DIGEST_NONE)
		return inode_content_set(tree, inode, entry->content);
	inode->size = entry->size;
	payload = span_of_string(digest_path(&entry->digest, path));
	return inode_external_set(tree, inode, &payload, &entry->digest);
}

static int inode_make(struct tree *tree, const struct merge_entry *entry, struct inode **ret,
		      struct diag *why)
{
	struct inode *inode;
	int r;

	if (entry->is_hard_link)
		return target_find(tree, entry->target, ret, why);
	if (S_ISLNK(entry->mode) && entry->target.size > SYMLINK_SIZE_MAX)
		return diag_set(why, -ENAMETOOLONG,
				"a symbolic link to %zu bytes, at most %d can be",
				entry->target.size, SYMLINK_SIZE_MAX);
	inode = S_ISDIR(entry->mode) ? dir_new(tree) : tree_inode_new(tree, entry->mode);
	if (!inode)
		return -ENOMEM;
	r = metadata_set(tree, inode, entry, why);
	if (r == 0)
		r = content_set(tree, inode, entry);
	if (r == 0)
		*ret = inode;
	return r;
}

static int put(struct tree *tree, struct inode *dir, struct span name,
	       const struct merge_entry *entry, struct diag *why)
{
	struct dentry *there = tree_lookup(tree, dir, name);
	bool is_dir = !entry->is_hard_link && S_ISDIR(entry->mode);
	struct inode *inode = NULL;
	int r;

	if (there && is_dir && inode_is_dir(there->inode))
		r = metadata_set(tree, there->inode, entry, why);
	else
		r = inode_make(tree, entry, &inode, why);
	if (r < 0)
		return r;
	if (!there)
		return link_new(tree, dir, name, inode, false, why);
	if (inode && inode != there->inode)
		dentry_inode_set(there, inode);
	there->layer = tree->layer;
	there->is_implied = false;
	return 0;
}

static int add(struct tree *tree, const struct merge_entry *entry, struct diag *why)
{
	struct inode *dir = NULL;
	struct span name = SPAN_EMPTY;
	int r;

	r = path_check(entry->name, why);
	if (r < 0)
		return r;
	r = parent_find(tree, entry->name, &dir, &name, why);
	if (r <= 0)
		return r;
	if (name.size == 0)
		return !entry->is_hard_link && S_ISDIR(entry->mode)
			       ? metadata_set(tree, dir, entry, why)
			       : diag_set(why, -EUCLEAN, "the root is not a directory");
	if (span_equal(name, WHITEOUT_OPAQUE)) {
		dir_prune(tree, dir);
		return 0;
	}
	if (span_starts_with(name, WHITEOUT_META))
		return 0;
	if (span_starts_with(name, WHITEOUT))
		return whiteout(tree, dir,
				span_of(name.data + WHITEOUT.size, name.size - WHITEOUT.size), why);
	return put(tree, dir, name, entry, why);
}

int merge_add(struct tree *tree, const struct merge_entry *entry, struct diag *why)
{
	char text[QUOTED_SIZE];
	int r = budget_take(tree, why);

	if (r == 0)
		r = add(tree, entry, why);

	return r < 0 ? diag_wrap(why, r, "'%s'", quote(entry->name, text)) : 0;
}
