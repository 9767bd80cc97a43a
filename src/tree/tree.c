/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "tree/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/limits.h"

struct tree *tree_new(void)
{
	return calloc(1, sizeof(struct tree));
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	map_release(&tree->names);
	map_release(&tree->xattrs);
	arena_release(&tree->arena);
	free(tree);
}

void tree_freep(struct tree **tree)
{
	tree_free(*tree);
	*tree = NULL;
}

struct inode *tree_inode_new(struct tree *tree, uint32_t mode)
{
	struct inode *inode = arena_new(&tree->arena, struct inode);

	if (!inode)
		return NULL;
	inode->mode = mode;
	inode->nlink = 1;
	return inode;
}

int tree_root_set(struct tree *tree, struct inode *root, struct diag *why)
{
	if (tree->root)
		return diag_set(why, -EEXIST, "there is a root already");
	if (!inode_is_dir(root))
		return diag_set(why, -ENOTDIR, "the root is not a directory");
	tree->root = root;
	tree->inode_count++;
	return 0;
}

/* Names */

struct name_key {
	const struct inode *parent;
	struct span name;
};

static bool name_equal(const void *item, const void *key)
{
	const struct dentry *dentry = item;
	const struct name_key *wanted = key;

	return dentry->parent == wanted->parent && span_equal(dentry_name(dentry), wanted->name);
}

static uint32_t name_hash(const struct inode *parent, struct span name)
{
	return hash_bytes(name, (uint64_t)(uintptr_t)parent);
}

static int name_check(struct span name, struct diag *why)
{
	if (name.size == 0)
		return diag_set(why, -EINVAL, "empty file name");
	if (name.size > NAME_SIZE_MAX)
		return diag_set(why, -ENAMETOOLONG, "file name of %zu bytes, at most %d can be",
				name.size, NAME_SIZE_MAX);
	if (span_equal(name, SPAN_LITERAL(".")) || span_equal(name, SPAN_LITERAL("..")))
		return diag_set(why, -EINVAL, "file name is '.' or '..'");
	if (memchr(name.data, '/', name.size) || memchr(name.data, '\0', name.size))
		return diag_set(why, -EINVAL, "file name has a slash or NUL");
	return 0;
}

static struct dentry *dentry_new(struct tree *tree, struct inode *parent, struct span name,
				 struct inode *inode)
{
	struct dentry *dentry =
		arena_alloc(&tree->arena, sizeof(*dentry) + name.size + 1, _Alignof(struct dentry));

	if (!dentry)
		return NULL;
	*dentry = (struct dentry){
		.parent = parent,
		.inode = inode,
		.name_size = (uint8_t)name.size,
	};
	memcpy(dentry->name, name.data, name.size);
	dentry->name[name.size] = '\0';
	return dentry;
}

int tree_link(struct tree *tree, struct inode *dir, struct span name, struct inode *inode,
	      struct dentry **ret, struct diag *why)
{
	struct dentry *dentry;
	uint32_t hash;
	int r;

	if (!inode_is_dir(dir))
		return diag_set(why, -ENOTDIR, "the parent is not a directory");
	r = name_check(name, why);
	if (r < 0)
		return r;
	hash = name_hash(dir, name);
	if (map_find(&tree->names, hash, name_equal, &(struct name_key){dir, name}))
		return diag_set(why, -EEXIST, "the name is there already");
	dentry = dentry_new(tree, dir, name, inode);
	if (!dentry)
		return -ENOMEM;
	r = map_add(&tree->names, hash, dentry);
	if (r < 0)
		return r;
	dentry->previous = dir->dir.last;
	if (dir->dir.last)
		dir->dir.last->next = dentry;
	else
		dir->dir.first = dentry;
	dir->dir.last = dentry;
	dir->child_count++;
	if (!inode->primary) {
		inode->primary = dentry;
		tree->inode_count++;
	}
	tree->is_sorted = false;
	if (ret)
		*ret = dentry;
	return 0;
}

void tree_unlink(struct tree *tree, struct dentry *dentry)
{
	struct inode *dir = dentry->parent;

	map_remove(&tree->names, name_hash(dir, dentry_name(dentry)), dentry);
	if (dentry->previous)
		dentry->previous->next = dentry->next;
	else
		dir->dir.first = dentry->next;
	if (dentry->next)
		dentry->next->previous = dentry->previous;
	else
		dir->dir.last = dentry->previous;
	dir->child_count--;
}

void dentry_inode_set(struct dentry *dentry, struct inode *inode)
{
	dentry->inode = inode;
	if (!inode->primary)
		inode->primary = dentry;
}

struct dentry *tree_lookup(const struct tree *tree, const struct inode *dir, struct span name)
{
	return map_find(&tree->names, name_hash(dir, name), name_equal,
			&(struct name_key){dir, name});
}

/* Merge sort: stable, no memory beside the list, and one pass over a list that is in order. */
static struct dentry *children_merge(struct dentry *left, struct dentry *right)
{
	struct dentry *first, **tail = &first;

	while (left && right) {
		struct dentry **smaller =
			span_compare(dentry_name(left), dentry_name(right)) <= 0 ? &left : &right;

		*tail = *smaller;
		tail = &(*smaller)->next;
		*smaller = *tail;
	}
	*tail = left ? left : right;
	return first;
}

static bool children_are_sorted(const struct dentry *first)
{
	for (; first && first->next; first = first->next) {
		if (span_compare(dentry_name(first), dentry_name(first->next)) > 0)
			return false;
	}
	return true;
}

static void children_sort(struct inode *dir)
{
	struct dentry *runs[32] = {NULL}; /* runs[i] has 2^i dentries; child_count has 32 bits */
	struct dentry *list = dir->dir.first, *sorted = NULL;

	if (children_are_sorted(list))
		return;
	while (list) {
		struct dentry *run = list;
		size_t i = 0;

		list = list->next;
		run->next = NULL;
		for (; i < 31 && runs[i]; i++) {
			run = children_merge(runs[i], run);
			runs[i] = NULL;
		}
		runs[i] = run;
	}
	for (size_t i = 0; i < 32; i++) {
		if (runs[i])
			sorted = children_merge(runs[i], sorted);
	}
	dir->dir.first = sorted;
	dir->dir.last = NULL;
	for (; sorted; sorted = sorted->next) {
		sorted->previous = dir->dir.last;
		dir->dir.last = sorted;
	}
}

void tree_sort(struct tree *tree)
{
	if (tree->is_sorted || !tree->root)
		return;
	children_sort(tree->root);
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		if (inode_is_dir(d->inode))
			children_sort(d->inode);
	}
	tree->is_sorted = true;
}

struct dentry *tree_walk_first(const struct tree *tree)
{
	return tree->root ? tree->root->dir.first : NULL;
}

struct dentry *tree_walk_next(const struct tree *tree, struct dentry *dentry)
{
	if (inode_is_dir(dentry->inode) && dentry->inode->dir.first)
		return dentry->inode->dir.first;
	while (!dentry->next) {
		if (dentry->parent == tree->root)
			return NULL;
		dentry = dentry->parent->primary;
	}
	return dentry->next;
}

/* Xattrs */

static bool xattr_equal(const void *item, const void *key)
{
	const struct xattr *xattr = item, *wanted = key;

	return span_equal(xattr->key, wanted->key) && span_equal(xattr->value, wanted->value);
}

static const struct xattr *xattr_intern(struct tree *tree, struct span key, struct span value)
{
	struct xattr wanted = {key, value}, *xattr;
	uint32_t hash = hash_bytes(value, hash_bytes(key, 0));

	xattr = map_find(&tree->xattrs, hash, xattr_equal, &wanted);
	if (xattr)
		return xattr;
	xattr = arena_new(&tree->arena, struct xattr);
	if (!xattr)
		return NULL;
	xattr->key = span_of(arena_copy(&tree->arena, key), key.size);
	xattr->value = span_of(arena_copy(&tree->arena, value), value.size);
	if (!xattr->key.data || !xattr->value.data || map_add(&tree->xattrs, hash, xattr) < 0)
		return NULL;
	return xattr;
}

/* Index of key in the sorted xattrs, or of the place where it would stand. */
static size_t xattr_place(const struct inode *inode, struct span key, bool *ret_found)
{
	size_t low = 0, high = inode->xattr_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = span_compare(inode->xattrs[middle]->key, key);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = false;
	return low;
}

const struct xattr *inode_xattr(const struct inode *inode, struct span key)
{
	bool found;
	size_t i = xattr_place(inode, key, &found);

	return found ? inode->xattrs[i] : NULL;
}

/* What the format counts (composefs-image.md, section 11, "Limits"). */
#define XATTRS_HEADER_SIZE 12

static size_t xattr_size(struct span key, struct span value)
{
	return 7 + key.size + value.size;
}

void inode_xattrs_clear(struct inode *inode)
{
	inode->xattr_count = inode->xattrs_size = 0;
}

void inode_xattrs_filter(struct inode *inode, xattr_stays *stays, const void *context)
{
	uint16_t before = inode->xattr_count;

	inode_xattrs_clear(inode);
	for (uint16_t i = 0; i < before; i++) {
		const struct xattr *xattr = inode->xattrs[i];

		if (!stays(xattr, context))
			continue;
		inode->xattrs[inode->xattr_count++] = xattr;
		inode->xattrs_size += (uint16_t)xattr_size(xattr->key, xattr->value);
	}
}

static int xattr_check(struct span key, struct span value, struct diag *why)
{
	if (key.size == 0)
		return diag_set(why, -EINVAL, "empty xattr key");
	if (key.size > XATTR_KEY_SIZE_MAX)
		return diag_set(why, -EINVAL, "xattr key of %zu bytes, at most %d can be", key.size,
				XATTR_KEY_SIZE_MAX);
	if (memchr(key.data, '\0', key.size))
		return diag_set(why, -EINVAL, "xattr key has a NUL");
	if (value.size > XATTR_VALUE_SIZE_MAX)
		return diag_set(why, -E2BIG, "xattr value of %zu bytes, at most %d can be",
				value.size, XATTR_VALUE_SIZE_MAX);
	return 0;
}

/* Room for one more, growing by powers of two from the arena. */
static int xattrs_reserve(struct tree *tree, struct inode *inode)
{
	uint16_t count = inode->xattr_count;
	const struct xattr **grown;

	if (count & (count - 1))
		return 0; /* not a power of two: the last growth left room */
	grown = arena_alloc(&tree->arena, (count ? 2 * (size_t)count : 1) * sizeof(*grown),
			    _Alignof(const struct xattr *));
	if (!grown)
		return -ENOMEM;
	if (count)
		memcpy(grown, inode->xattrs, count * sizeof(*grown));
	inode->xattrs = grown;
	return 0;
}

int tree_xattr_set(struct tree *tree, struct inode *inode, struct span key, struct span value,
		   struct diag *why)
{
	const struct xattr *xattr;
	size_t size, i; /* size: of all xattrs, then */
	bool found;
	int r;

	r = xattr_check(key, value, why);
	if (r < 0)
		return r;
	i = xattr_place(inode, key, &found);
	size = inode->xattrs_size + xattr_size(key, value);
	if (found)
		size -= xattr_size(inode->xattrs[i]->key, inode->xattrs[i]->value);
	if (size > XATTR_NODE_SIZE_MAX - XATTRS_HEADER_SIZE)
		return diag_set(why, -E2BIG, "xattrs of %zu bytes on one inode, at most %d can be",
				size + XATTRS_HEADER_SIZE, XATTR_NODE_SIZE_MAX);
	xattr = xattr_intern(tree, key, value);
	if (!xattr)
		return -ENOMEM;
	if (found) {
		inode->xattrs[i] = xattr;
		inode->xattrs_size = (uint16_t)size;
		return 0;
	}
	r = xattrs_reserve(tree, inode);
	if (r < 0)
		return r;
	inode->xattrs_size = (uint16_t)size;
	memmove(&inode->xattrs[i + 1], &inode->xattrs[i],
		(inode->xattr_count - i) * sizeof(inode->xattrs[0]));
	inode->xattrs[i] = xattr;
	inode->xattr_count++;
	return 0;
}

/* Contents */

int inode_content_set(struct tree *tree, struct inode *inode, struct span content)
{
	const char *copy = arena_copy(&tree->arena, content);

	assert(S_ISREG(inode->mode));
	if (!copy)
		return -ENOMEM;
	inode->is_inline = content.size > 0;
	inode->digest_size = 0;
	inode->size = content.size;
	inode->inlined.content = (const uint8_t *)copy;
	return 0;
}

int inode_target_set(struct tree *tree, struct inode *inode, struct span target)
{
	const char *copy = arena_copy(&tree->arena, target);

	assert(S_ISLNK(inode->mode));
	if (!copy)
		return -ENOMEM;
	inode->size = target.size;
	inode->symlink.target = copy;
	return 0;
}

int inode_external_set(struct tree *tree, struct inode *inode, const struct span *payload,
		       const struct digest *digest)
{
	const char *path = NULL;
	const uint8_t *bytes = NULL;
	struct span raw = digest ? digest_span(digest) : SPAN_EMPTY;

	assert(S_ISREG(inode->mode));
	if (payload) {
		path = arena_copy(&tree->arena, *payload);
		if (!path)
			return -ENOMEM;
	}
	if (raw.size) {
		uint8_t *copy = arena_alloc(&tree->arena, raw.size, 1);

		if (!copy)
			return -ENOMEM;
		bytes = memcpy(copy, raw.data, raw.size);
	}
	inode->is_inline = false;
	inode->digest_size = (uint8_t)raw.size;
	inode->external.payload = path;
	inode->external.digest = bytes;
	return 0;
}

struct digest inode_digest(const struct inode *inode)
{
	if (!inode_is_external(inode) || inode->digest_size == 0)
		return (struct digest){0};
	return digest_of(digest_algorithm_by_size(inode->digest_size), inode->external.digest);
}
