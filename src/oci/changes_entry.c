/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * changes_entry.c - entries of the layer's tree: names, and what is copied of an inode
 */
#include <errno.h>

#include "base/diag.h"
#include "base/idmap.h"
#include "base/limits.h"
#include "oci/changes.h"
#include "oci/changes_private.h"
#include "tree/tree.h"

int changes_link(struct changes *changes, struct inode *dir, struct span name, uint32_t mode,
		 struct inode *inode, struct inode **ret, struct diag *why)
{
	int r;

	if (++changes->entry_count > LAYER_ENTRY_MAX)
		return diag_set(why, -E2BIG, "more than %llu entries",
				(unsigned long long)LAYER_ENTRY_MAX);
	if (!inode)
		inode = tree_inode_new(changes->out, mode);
	if (!inode)
		return -ENOMEM;
	r = tree_link(changes->out, dir, name, inode, NULL, why);
	if (r == 0 && ret)
		*ret = inode;
	return r;
}

int changes_content(struct tree *tree, const struct inode *source, struct inode *target)
{
	struct digest digest = inode_digest(source);

	target->size = source->size;
	if (source->size == 0)
		return 0;
	if (source->is_inline)
		return inode_content_set(tree, target,
					 span_of(source->inlined.content, source->size));
	return inode_external_set(tree, target, NULL, &digest);
}

int changes_inode(struct changes *changes, const struct inode *source, const struct idmaps *maps,
		  struct inode *target, struct diag *why)
{
	int r = 0;

	target->mode = source->mode;
	target->uid = maps ? idmap_to_inside(&maps->uids, source->uid) : source->uid;
	target->gid = maps ? idmap_to_inside(&maps->gids, source->gid) : source->gid;
	if (target->uid == IDMAP_NONE || target->gid == IDMAP_NONE)
		return diag_set(why, -EINVAL, "the map does not have its owner, %u:%u", source->uid,
				source->gid);
	target->rdev = source->rdev;
	target->mtime_sec = source->mtime_sec;
	target->mtime_nsec = source->mtime_nsec;
	if (changes->request->has_timestamp) {
		target->mtime_sec = changes->request->timestamp;
		target->mtime_nsec = 0;
	}
	if (S_ISREG(source->mode))
		r = changes_content(changes->out, source, target);
	else if (S_ISLNK(source->mode))
		r = inode_target_set(changes->out, target,
				     span_of(source->symlink.target, source->size));
	return r < 0 ? r : changes_xattrs(source, maps, changes->out, target, why);
}
