/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "erofs/load.h"
#include "ops/source.h"
#include "tree/dump_write.h"
#include "tree/tree.h"

static bool filter_has(const char *const *filters, const struct dentry *top)
{
	for (; *filters; filters++) {
		if (span_equal(span_of_string(*filters), dentry_name(top)))
			return true;
	}
	return false;
}

/* Unlink what no filter names from the root; the tree is ours alone. */
static void root_filter(struct tree *tree, const char *const *filters)
{
	struct dentry *next;

	for (struct dentry *d = tree->root->dir.first; d; d = next) {
		next = d->next;
		if (!filter_has(filters, d))
			tree_unlink(tree, d);
	}
}

struct listing {
	struct source *source; /* owned */
	struct tree *tree;     /* owned */
};

/* source is taken in every case. */
static int listing_new(struct source *source, const char *const *filters, struct listing **ret,
		       struct diag *why)
{
	CLEAN(source_closep) struct source *owned = source;
	CLEAN(listing_freep) struct listing *listing = calloc(1, sizeof(*listing));
	int r;

	if (!listing)
		return -ENOMEM;
	listing->source = TAKE(owned);
	r = source_map(listing->source, why);
	if (r < 0)
		return r;
	r = image_load(&listing->source->image, &listing->tree, why);
	if (r < 0)
		return r;
	if (filters && filters[0])
		root_filter(listing->tree, filters);
	*ret = TAKE(listing);
	return 0;
}

int listing_open(const char *text, const char *repo, const char *const *filters,
		 struct listing **ret, struct diag *why)
{
	struct source *source;
	int r = source_open(text, repo, &source, why);

	return r < 0 ? r : listing_new(source, filters, ret, why);
}

int listing_open_file(const char *path, const char *const *filters, struct listing **ret,
		      struct diag *why)
{
	struct source *source;
	int r = source_open_file(path, &source, why);

	return r < 0 ? r : listing_new(source, filters, ret, why);
}

const struct source *listing_source(const struct listing *listing)
{
	return listing->source;
}

void listing_free(struct listing *listing)
{
	if (listing) {
		tree_free(listing->tree);
		source_close(listing->source);
	}
	free(listing);
}

void listing_freep(struct listing **listing)
{
	listing_free(*listing);
	*listing = NULL;
}

static int file_sink(void *context, struct span bytes, struct diag *why)
{
	if (fwrite(bytes.data, 1, bytes.size, context) != bytes.size)
		return diag_errno(why, errno ? -errno : -EIO, "write");
	return 0;
}

int listing_dump(const struct listing *listing, FILE *out, struct diag *why)
{
	return dump_write(listing->tree, file_sink, out, why);
}

/* The absolute path of dentry, into *path, which is used again and again. */
static int path_of(const struct tree *tree, const struct dentry *dentry, struct buf *path)
{
	size_t size = 0;
	uint8_t *end;

	for (const struct dentry *d = dentry;; d = d->parent->primary) {
		size += 1 + (size_t)d->name_size;
		if (d->parent == tree->root)
			break;
	}
	path->size = 0;
	if (buf_append_zeros(path, size) < 0)
		return -ENOMEM;
	end = path->data + size;
	for (const struct dentry *d = dentry;; d = d->parent->primary) {
		end -= d->name_size;
		memcpy(end, d->name, d->name_size);
		*--end = '/';
		if (d->parent == tree->root)
			break;
	}
	return 0;
}

static struct listing_entry entry_of(const struct inode *inode, struct span path)
{
	struct listing_entry entry = {
		.path = path,
		.size = inode->size,
		.mtime_sec = inode->mtime_sec,
		.mtime_nsec = inode->mtime_nsec,
		.mode = inode->mode,
		.nlink = inode->nlink,
		.uid = inode->uid,
		.gid = inode->gid,
		.rdev = inode->rdev,
		.digest = inode_digest(inode),
	};

	if (S_ISLNK(inode->mode))
		entry.target = span_of(inode->symlink.target, inode->size);
	if (inode_is_external(inode) && inode->external.payload)
		entry.object = span_of_string(inode->external.payload);
	return entry;
}

int listing_paths(const struct listing *listing, listing_visit *visit, void *context,
		  struct diag *why)
{
	const struct tree *tree = listing->tree;
	CLEAN(buf_release) struct buf path = {0};
	int r;

	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		struct listing_entry entry;

		r = path_of(tree, d, &path);
		if (r < 0)
			return r;
		entry = entry_of(d->inode, buf_span(&path));
		r = visit(context, &entry, why);
		if (r)
			return r;
	}
	return 0;
}

static int object_order(const void *a, const void *b)
{
	const struct inode *const *left = a, *const *right = b;

	return strcmp((*left)->external.payload, (*right)->external.payload);
}

/* All external files with a backing path, in the order of those; the caller frees. */
static int objects_collect(const struct tree *tree, const struct inode ***ret, size_t *ret_count)
{
	/* One slot a name: the primary name of an inode may have been filtered out. */
	const struct inode **inodes = calloc(tree->names.count + 1, sizeof(struct inode *));
	size_t count = 0;

	if (!inodes)
		return -ENOMEM;
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		if (inode_is_external(d->inode) && d->inode->external.payload)
			inodes[count++] = d->inode;
	}
	qsort(inodes, count, sizeof(struct inode *), object_order);
	*ret = inodes;
	*ret_count = count;
	return 0;
}

int listing_objects(const struct listing *listing, listing_object_visit *visit, void *context,
		    struct diag *why)
{
	CLEAN(memory_freep) const struct inode **inodes = NULL;
	size_t count;
	int r;

	r = objects_collect(listing->tree, &inodes, &count);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		struct listing_object object = {
			.path = span_of_string(inodes[i]->external.payload),
			.digest = inode_digest(inodes[i]),
			.size = inodes[i]->size,
		};

		if (i && object_order(&inodes[i - 1], &inodes[i]) == 0)
			continue;
		r = visit(context, &object, why);
		if (r)
			return r;
	}
	return 0;
}
