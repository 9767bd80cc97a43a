/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * erofs-walk.c - every question the reader answers, asked of hostile bytes
 *
 * Directories may form loops and inodes may overlap in such an image, so the walk is bounded by a
 * count of questions that grows with the input, not by the shape that the image claims.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/diag.h"
#include "erofs/image.h"
#include "erofs/load.h"
#include "tree/tree.h"

#define QUEUE_MAX 256
#define STEPS_MAX 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct walk {
	const struct image *image;
	uint64_t queue[QUEUE_MAX];
	size_t queued;
	size_t steps;
	uint64_t seen; /* bytes of all answers, so that each is read */
};

static bool step(struct walk *walk)
{
	return walk->steps++ < STEPS_MAX;
}

static void look_at(struct walk *walk, struct span bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		walk->seen += bytes.data[i];
}

static void walk_xattrs(struct walk *walk, const struct image_inode *inode)
{
	uint8_t key[300];
	struct image_xattr xattr;
	struct span value;
	struct diag why = {0};

	for (uint64_t position = 0;
	     step(walk) && image_xattr_next(walk->image, inode, position, &xattr, &why) == 1;
	     position = xattr.next) {
		look_at(walk, xattr.value);
		if (xattr.prefix.size + xattr.suffix.size > sizeof(key))
			abort();
		memcpy(key, xattr.prefix.data, xattr.prefix.size);
		memcpy(key + xattr.prefix.size, xattr.suffix.data, xattr.suffix.size);
		if (image_xattr_get(walk->image, inode,
				    span_of(key, xattr.prefix.size + xattr.suffix.size), &value,
				    &why) == 0)
			look_at(walk, value);
	}
	(void)image_xattr_get(walk->image, inode, SPAN_LITERAL("user.none"), &value, &why);
}

static void walk_data(struct walk *walk, const struct image_inode *inode)
{
	struct image_extent extent;
	struct diag why = {0};
	uint64_t offset = 0;

	while (step(walk) && image_extent(walk->image, inode, offset, &extent, &why) == 1) {
		if (extent.size == 0 || extent.size > inode->size - offset)
			abort();
		/* Large extents are one span: the last byte is as good as all. */
		if (!extent.is_hole && extent.bytes.size != extent.size)
			abort();
		if (!extent.is_hole)
			walk->seen += extent.bytes.data[0] + extent.bytes.data[extent.size - 1];
		offset += extent.size;
	}
}

static void walk_dir(struct walk *walk, const struct image_inode *dir)
{
	struct image_dirent entry, found;
	struct diag why = {0};

	for (uint64_t position = 0;
	     step(walk) && image_dir_next(walk->image, dir, position, &entry, &why) == 1;
	     position = entry.next) {
		if (entry.next <= position || entry.name.size == 0 || entry.name.size > 255)
			abort();
		look_at(walk, entry.name);
		(void)image_lookup(walk->image, dir, entry.name, &found, &why);
		if (walk->queued < QUEUE_MAX)
			walk->queue[walk->queued++] = entry.nid;
	}
	(void)image_lookup(walk->image, dir, SPAN_LITERAL("none"), &found, &why);
	(void)image_dir_next(walk->image, dir, dir->size / 2, &entry, &why);
}

static void walk_inode(struct walk *walk, uint64_t nid)
{
	struct image_inode inode;
	struct span target;
	struct diag why = {0};

	if (image_inode(walk->image, nid, &inode, &why) < 0)
		return;
	walk_xattrs(walk, &inode);
	walk_data(walk, &inode);
	if (S_ISDIR(inode.mode))
		walk_dir(walk, &inode);
	else if (image_readlink(walk->image, &inode, &target, &why) == 0)
		look_at(walk, target);
	walk->seen += image_inode_is_external(walk->image, &inode);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tree *tree = NULL;
	struct image image;
	struct walk walk = {.image = &image};
	volatile uint64_t sink;
	struct diag why = {0};

	if (image_open(span_of(data, size), &image, &why) < 0)
		return 0;
	walk.queue[walk.queued++] = image.root_nid;
	for (size_t i = 0; i < walk.queued; i++)
		walk_inode(&walk, walk.queue[i]);
	sink = walk.seen;
	(void)sink;
	if (image_load(&image, &tree, &why) == 0)
		tree_free(tree);
	return 0;
}
