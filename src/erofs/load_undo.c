/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * load_undo.c - primary names and whiteouts of composefs versions 0 and 1 (composefs-image.md,
 * sections 4.4 and 5)
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "erofs/image.h"
#include "erofs/load_private.h"
#include "tree/tree.h"

static const struct {
	struct span key, value; /* as in the tree, one level of escape less than in the image */
	enum noted noted;
} noted_xattrs[] = {
	{SPAN_LITERAL("trusted.overlay.whiteout"), SPAN_LITERAL(""), NOTED_WHITEOUT},
	{SPAN_LITERAL("user.overlay.whiteout"), SPAN_LITERAL(""), NOTED_USER_WHITEOUT},
	{SPAN_LITERAL("trusted.overlay.whiteouts"), SPAN_LITERAL(""), NOTED_WHITEOUTS},
	{SPAN_LITERAL("user.overlay.whiteouts"), SPAN_LITERAL(""), NOTED_USER_WHITEOUTS},
	{SPAN_LITERAL("trusted.overlay.opaque"), SPAN_LITERAL("x"), NOTED_OPAQUE},
	{SPAN_LITERAL("user.overlay.opaque"), SPAN_LITERAL("x"), NOTED_USER_OPAQUE},
};

uint8_t load_noted(struct span key, struct span value)
{
	for (size_t i = 0; i < sizeof(noted_xattrs) / sizeof(noted_xattrs[0]); i++) {
		if (span_equal(key, noted_xattrs[i].key) &&
		    span_equal(value, noted_xattrs[i].value))
			return (uint8_t)noted_xattrs[i].noted;
	}
	return 0;
}

static int nid_compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/*
 * Inodes lie in breadth-first order of their primary names. When the first names give that order,
 * they are the primary ones.
 */
static bool first_names_are_primary(const struct loader *loader)
{
	for (size_t i = 1; i < loader->count; i++) {
		if (loader->inodes[i].nid < loader->inodes[i - 1].nid)
			return false;
	}
	return true;
}

/*
 * The name of the inode whose turn it is in the image is its primary one, any other name is one
 * more link. ret[i] is the primary name of inode i. Returns how many were found; all of them, or
 * the image was made by other rules.
 */
static size_t find_primaries(const struct loader *loader, const uint64_t *nids, struct dentry **ret)
{
	size_t found = 1; /* the root has no name */

	for (size_t i = 0; i < loader->count; i++) {
		struct inode *dir = loader->inodes[i].inode;

		if (!inode_is_dir(dir))
			continue;
		for (struct dentry *d = dir->dir.first; d && found < loader->count; d = d->next) {
			if (loader->inodes[d->inode->index].nid != nids[found])
				continue;
			ret[d->inode->index] = d;
			found++;
		}
	}
	return found;
}

int load_primaries(struct loader *loader)
{
	CLEAN(memory_freep) uint64_t *nids = NULL;
	CLEAN(memory_freep) struct dentry **primaries = NULL;

	if (first_names_are_primary(loader))
		return 0;
	nids = calloc(loader->count, sizeof(*nids));
	primaries = calloc(loader->count, sizeof(*primaries));
	if (!nids || !primaries)
		return -ENOMEM;
	for (size_t i = 0; i < loader->count; i++)
		nids[i] = loader->inodes[i].nid;
	qsort(nids, loader->count, sizeof(*nids), nid_compare);
	if (nids[0] != loader->inodes[0].nid ||
	    find_primaries(loader, nids, primaries) < loader->count)
		return 0;
	for (size_t i = 1; i < loader->count; i++)
		loader->inodes[i].inode->primary = primaries[i];
	return 0;
}

static bool has_noted(const struct loaded *loaded, unsigned int wanted)
{
	return (loaded->noted & wanted) == wanted;
}

/* A regular file is a converted whiteout when both it and its directory carry all the marks of it.
 */
static bool is_converted(const struct loader *loader, const struct loaded *loaded)
{
	const struct inode *inode = loaded->inode;
	unsigned int of_parent = NOTED_WHITEOUTS | NOTED_USER_WHITEOUTS;

	if (loader->image->composefs_version >= 1)
		of_parent |= NOTED_OPAQUE | NOTED_USER_OPAQUE;
	return S_ISREG(inode->mode) && inode->size == 0 &&
	       has_noted(loaded, NOTED_WHITEOUT | NOTED_USER_WHITEOUT) &&
	       has_noted(&loader->inodes[inode->primary->parent->index], of_parent);
}

static void convert_back(struct loader *loader, struct loaded *loaded)
{
	struct inode *inode = loaded->inode;

	inode->mode = S_IFCHR | (inode->mode & ~(uint32_t)S_IFMT);
	inode->rdev = 0;
	loaded->noted = 0;
	loader->inodes[inode->primary->parent->index].has_whiteouts = true;
}

static int set_noted(struct loader *loader, const struct loaded *loaded)
{
	/* Those of a directory with whiteouts may come on top of all that the input could have. */
	struct diag *why = loaded->has_whiteouts ? NULL : loader->why;

	for (size_t i = 0; i < sizeof(noted_xattrs) / sizeof(noted_xattrs[0]); i++) {
		int r = 0;

		if (loaded->noted & noted_xattrs[i].noted)
			r = tree_xattr_set(loader->tree, loaded->inode, noted_xattrs[i].key,
					   noted_xattrs[i].value, why);
		if (r < 0 && !(r == -E2BIG && loaded->has_whiteouts))
			return r;
	}
	return 0;
}

int load_whiteouts(struct loader *loader)
{
	for (size_t i = 0; i < loader->count; i++) {
		if (is_converted(loader, &loader->inodes[i]))
			convert_back(loader, &loader->inodes[i]);
	}
	for (size_t i = 0; i < loader->count; i++) {
		struct loaded *loaded = &loader->inodes[i];
		int r;

		if (loaded->has_whiteouts)
			loaded->noted &= (uint8_t) ~(NOTED_WHITEOUTS | NOTED_USER_WHITEOUTS);
		r = set_noted(loader, loaded);
		if (r < 0)
			return r;
	}
	return 0;
}
