/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/image_objects.h"

#include "base/cleanup.h"
#include "base/diag.h"
#include "erofs/image.h"
#include "erofs/load.h"
#include "erofs/mapping.h"
#include "tree/tree.h"

static int visit_file(const struct inode *inode, image_object_visit *visit, void *context,
		      struct diag *why)
{
	struct digest digest = inode_digest(inode), path;
	bool has_path = inode->external.payload &&
			digest_parse_path(span_of_string(inode->external.payload), &path) == 0;
	int r = 0;

	if (has_path)
		r = visit(context, &path, why);
	if (r == 0 && digest.algorithm != DIGEST_NONE &&
	    !(has_path && digest_equal(&digest, &path)))
		r = visit(context, &digest, why);
	return r;
}

int image_objects_each(int fd, image_object_visit *visit, void *context, struct diag *why)
{
	CLEAN(mapping_closep) struct mapping *mapping = NULL;
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct image image;
	int r;

	r = mapping_open(fd, &mapping, why);
	if (r == 0)
		r = image_open(mapping_bytes(mapping), &image, why);
	if (r == 0)
		r = image_load(&image, &tree, why);
	if (r < 0)
		return r;
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d)) {
		if (!inode_is_external(d->inode))
			continue;
		r = visit_file(d->inode, visit, context, why);
		if (r)
			return r;
	}
	return 0;
}
