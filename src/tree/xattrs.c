/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * xattrs.c - the xattrs of an inode: sorted by key, interned in the tree
 */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/limits.h"
#include "tree/tree.h"

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
