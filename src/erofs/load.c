/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "erofs/load.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "erofs/disk.h"
#include "erofs/image.h"
#include "erofs/load_private.h"
#include "tree/tree.h"

/* Files that share blocks in a deduplicated image are loaded as often as there are files. */
#define BUDGET_FACTOR 8

int loader_charge(struct loader *loader, uint64_t size)
{
	if (size > loader->budget)
		return diag_set(loader->why, -E2BIG,
				"the image says more than %u times what it holds", BUDGET_FACTOR);
	loader->budget -= size;
	return 0;
}

static void loader_release(struct loader *loader)
{
	tree_free(loader->tree);
	free(loader->inodes);
	map_release(&loader->by_nid);
}

struct nid_key {
	const struct loader *loader;
	uint64_t nid;
};

static bool nid_equal(const void *item, const void *key)
{
	const struct nid_key *wanted = key;

	return wanted->loader->inodes[(uintptr_t)item - 1].nid == wanted->nid;
}

static uint32_t nid_hash(uint64_t nid)
{
	return hash_bytes(span_of(&nid, sizeof(nid)), 0);
}

static struct loaded *loader_find(const struct loader *loader, uint64_t nid)
{
	void *item =
		map_find(&loader->by_nid, nid_hash(nid), nid_equal, &(struct nid_key){loader, nid});

	return item ? &loader->inodes[(uintptr_t)item - 1] : NULL;
}

/* An inode or stub is met for the first time. */
static void loader_meet(struct loader *loader, uint64_t nid)
{
	if (nid <= loader->last_nid)
		loader->is_in_order = false;
	loader->last_nid = nid;
}

static int loader_add(struct loader *loader, const struct loaded *loaded)
{
	if (loader->count >= loader->image->bytes.size / INODE_SLOT || loader->count == UINT32_MAX)
		return diag_set(loader->why, -EUCLEAN, "more inodes than the image has room for");
	if (loader->count == loader->capacity) {
		size_t capacity = loader->capacity ? 2 * loader->capacity : 1024;
		struct loaded *grown =
			reallocarray(loader->inodes, capacity, sizeof(*loader->inodes));

		if (!grown)
			return -ENOMEM;
		loader->inodes = grown;
		loader->capacity = capacity;
	}
	loader_meet(loader, loaded->nid);
	loader->inodes[loader->count] = *loaded;
	loaded->inode->index = (uint32_t)loader->count++;
	return map_add(&loader->by_nid, nid_hash(loaded->nid), (void *)(uintptr_t)loader->count);
}

/* The inode of nid, made when it is met for the first time. depth is what it has as a directory. */
static int loader_inode(struct loader *loader, const struct image_inode *raw, uint16_t depth,
			struct inode **ret)
{
	struct loaded *known = loader_find(loader, raw->nid);
	struct loaded loaded;
	int r;

	if (known && inode_is_dir(known->inode))
		return diag_set(loader->why, -EUCLEAN, "directory %llu has two names",
				(unsigned long long)raw->nid);
	if (known) {
		*ret = known->inode;
		return 0;
	}
	r = load_inode(loader, raw, &loaded);
	if (r < 0)
		return r;
	loaded.depth = depth;
	r = loader_add(loader, &loaded);
	if (r < 0)
		return r;
	*ret = loaded.inode;
	return 0;
}

static bool is_stub(const struct loader *loader, const struct loaded *dir, struct span name,
		    const struct image_inode *raw)
{
	static const char digits[] = "0123456789abcdef";

	return loader->image->is_composefs && loader->image->composefs_version < 2 &&
	       dir->depth == 0 && S_ISCHR(raw->mode) && raw->rdev == 0 && name.size == 2 &&
	       memchr(digits, name.data[0], 16) && memchr(digits, name.data[1], 16);
}

static int skip_stub(struct loader *loader, uint64_t nid)
{
	if (loader->stub_count == STUB_COUNT_MAX)
		return diag_set(loader->why, -EUCLEAN, "more than %d whiteout stubs",
				STUB_COUNT_MAX);
	loader->stub_nids[loader->stub_count++] = nid;
	loader_meet(loader, nid);
	return 0;
}

static int load_entry(struct loader *loader, const struct loaded *dir,
		      const struct image_dirent *entry)
{
	struct image_inode raw;
	struct inode *inode;
	int r;

	if (name_is_dots(entry->name))
		return 0;
	r = image_inode(loader->image, entry->nid, &raw, loader->why);
	if (r < 0)
		return r;
	if (is_stub(loader, dir, entry->name, &raw))
		return skip_stub(loader, raw.nid);
	if (S_ISDIR(raw.mode) && dir->depth == DEPTH_MAX)
		return diag_set(loader->why, -EUCLEAN, "directories nested deeper than %d",
				DEPTH_MAX);
	r = loader_inode(loader, &raw, (uint16_t)(dir->depth + 1), &inode);
	if (r < 0)
		return r;
	r = tree_link(loader->tree, dir->inode, entry->name, inode, NULL, loader->why);
	if (r == -EEXIST)
		return diag_set(loader->why, -EUCLEAN, "directory %llu has a name twice",
				(unsigned long long)dir->nid);
	return r;
}

static int load_dir(struct loader *loader, struct loaded dir)
{
	struct image_dirent entry;
	struct image_inode raw;
	uint64_t position = 0;
	int r;

	r = image_inode(loader->image, dir.nid, &raw, loader->why);
	if (r == 0)
		r = loader_charge(loader, raw.size);
	if (r < 0)
		return r;
	while ((r = image_dir_next(loader->image, &raw, position, &entry, loader->why)) == 1) {
		r = load_entry(loader, &dir, &entry);
		if (r < 0)
			return r;
		position = entry.next;
	}
	return r;
}

static int load_root(struct loader *loader)
{
	struct image_inode raw;
	struct inode *root;
	int r;

	r = image_inode(loader->image, loader->image->root_nid, &raw, loader->why);
	if (r < 0)
		return r;
	r = loader_inode(loader, &raw, 0, &root);
	if (r < 0)
		return r;
	return tree_root_set(loader->tree, root, loader->why);
}

/* The list of inodes is the queue of the breadth-first walk, too. */
static int load_all(struct loader *loader)
{
	int r;

	r = load_root(loader);
	for (size_t i = 0; r == 0 && i < loader->count; i++) {
		if (inode_is_dir(loader->inodes[i].inode))
			r = load_dir(loader, loader->inodes[i]);
	}
	if (r < 0)
		return r;
	tree_sort(loader->tree);
	if (!loader->image->is_composefs || loader->image->composefs_version >= 2)
		return 0;
	r = load_primaries(loader);
	return r < 0 ? r : load_whiteouts(loader);
}

int image_load(const struct image *image, struct tree **ret, struct diag *why)
{
	CLEAN(loader_release)
	struct loader loader = {
		.image = image,
		.tree = tree_new(),
		.budget = BUDGET_FACTOR * (uint64_t)image->bytes.size,
		.is_in_order = true,
		.why = why,
	};
	int r;

	if (!loader.tree)
		return -ENOMEM;
	r = load_all(&loader);
	if (r < 0)
		return r;
	*ret = TAKE(loader.tree);
	return 0;
}
