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

static bool has_noted(const struct loaded *loaded, unsigned int wanted)
{
	return (loaded->noted & wanted) == wanted;
}

static bool could_be_whiteout(const struct loaded *loaded)
{
	return S_ISREG(loaded->inode->mode) && loaded->inode->size == 0 &&
	       has_noted(loaded, NOTED_WHITEOUT | NOTED_USER_WHITEOUT);
}

static bool could_hold_whiteouts(const struct loader *loader, const struct inode *dir)
{
	unsigned int wanted = NOTED_WHITEOUTS | NOTED_USER_WHITEOUTS;

	if (loader->image->composefs_version >= 1)
		wanted |= NOTED_OPAQUE | NOTED_USER_OPAQUE;
	return has_noted(&loader->inodes[dir->index], wanted);
}

/* A regular file is a converted whiteout when both it and its directory carry all the marks of it.
 */
static bool is_converted(const struct loader *loader, const struct loaded *loaded)
{
	return could_be_whiteout(loaded) &&
	       could_hold_whiteouts(loader, loaded->inode->primary->parent);
}

/* All files with the marks of a whiteout have a primary name where those of a directory are, too.
 */
static bool whiteouts_are_plausible(const struct loader *loader)
{
	for (size_t i = 0; i < loader->count; i++) {
		const struct loaded *loaded = &loader->inodes[i];

		if (could_be_whiteout(loaded) && !is_converted(loader, loaded))
			return false;
	}
	return true;
}

struct search {
	const struct loader *loader;
	uint64_t *nids; /* owned; of all inodes and stubs, ascending */
	size_t count;
	size_t next;               /* the first whose name was not found yet */
	struct dentry **primaries; /* owned; by index of inode */
	bool only_plausible;       /* take no name of a whiteout where it would be none */
};

static void search_release(struct search *search)
{
	free(search->nids);
	free(search->primaries);
}

static int search_init(struct search *search)
{
	const struct loader *loader = search->loader;

	search->nids = calloc(loader->count + loader->stub_count, sizeof(*search->nids));
	search->primaries = calloc(loader->count, sizeof(struct dentry *));
	if (!search->nids || !search->primaries)
		return -ENOMEM;
	for (size_t i = 0; i < loader->count; i++)
		search->nids[search->count++] = loader->inodes[i].nid;
	for (size_t i = 0; i < loader->stub_count; i++)
		search->nids[search->count++] = loader->stub_nids[i];
	qsort(search->nids, search->count, sizeof(*search->nids), nid_compare);
	return 0;
}

/* Whether this name may be the primary one of the inode whose turn it is; dentry is NULL for stubs.
 */
static bool name_fits(const struct search *search, const struct dentry *dentry)
{
	return !dentry || !search->only_plausible ||
	       !could_be_whiteout(&search->loader->inodes[dentry->inode->index]) ||
	       could_hold_whiteouts(search->loader, dentry->parent);
}

/* The name of the inode whose turn it is is its primary one, any other name is one more link. */
static int search_dir(struct search *search, const struct loaded *dir)
{
	const struct loader *loader = search->loader;
	struct image_dirent entry;
	struct image_inode raw;
	uint64_t position = 0;
	int r;

	r = image_inode(loader->image, dir->nid, &raw, loader->why);
	if (r < 0)
		return r;
	while (search->next < search->count &&
	       (r = image_dir_next(loader->image, &raw, position, &entry, loader->why)) == 1) {
		struct dentry *dentry;

		position = entry.next;
		if (entry.nid != search->nids[search->next] || name_is_dots(entry.name))
			continue;
		dentry = tree_lookup(loader->tree, dir->inode, entry.name);
		if (!name_fits(search, dentry))
			continue;
		if (dentry)
			search->primaries[dentry->inode->index] = dentry;
		search->next++;
	}
	return r < 0 ? r : 0;
}

/* Stubs that share their inode with a name could have taken its turn. */
static bool search_is_complete(const struct search *search)
{
	for (size_t i = 1; i < search->loader->count; i++) {
		if (!search->primaries[i])
			return false;
	}
	return true;
}

/* Returns 1 when each inode has got a primary name, 0 when these rules give none, or -errno. */
static int search_run(struct search *search, bool only_plausible)
{
	const struct loader *loader = search->loader;

	search->only_plausible = only_plausible;
	if (search->nids[0] != loader->inodes[0].nid)
		return 0;
	search->next = 1; /* the root has no name */
	for (size_t i = 0; i < loader->count; i++) {
		int r = 0;

		if (inode_is_dir(loader->inodes[i].inode))
			r = search_dir(search, &loader->inodes[i]);
		if (r < 0)
			return r;
	}
	return search->next == search->count && search_is_complete(search);
}

/*
 * Several choices can fit; each gives the same image again. Between them, whiteouts decide: a hard
 * link to one elsewhere carries its marks to a directory that has none.
 */
int load_primaries(struct loader *loader)
{
	CLEAN(search_release) struct search search = {.loader = loader};
	int r;

	if (loader->is_in_order && whiteouts_are_plausible(loader))
		return 0; /* the first names are the primary ones */
	r = search_init(&search);
	if (r == 0)
		r = search_run(&search, true);
	if (r == 0)
		r = search_run(&search, false);
	for (size_t i = 1; r == 1 && i < loader->count; i++)
		loader->inodes[i].inode->primary = search.primaries[i];
	return r < 0 ? r : 0;
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
