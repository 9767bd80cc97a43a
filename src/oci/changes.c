/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Each directory of upper has two directories of the base to do with. What overlayfs merged it with
 * (lower) is found by the names in upper, or by a redirect. What a layer would merge it with
 * (below) is found by the names alone. As long as they are one, names of the base need no mention.
 * From a redirect on they are not: there the base's files are copied into the layer (is_flat), and
 * whatever the layer would meet at that place is hidden.
 */
#include "oci/changes.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/changes_private.h"
#include "oci/layer_write.h"
#include "tree/path.h"
#include "tree/tree.h"

/* What became of an inode of upper. */
struct place {
	struct inode *out;
	/* Of directories: in the base, or NULL. */
	struct inode *lower;
	struct inode *below;
	bool is_flat;
};

static void changes_release(struct changes *changes)
{
	tree_free(changes->out);
	free(changes->places);
	free(changes->clones);
}

static int whiteout_add(struct changes *changes, struct inode *dir, struct span name,
			struct diag *why)
{
	return changes_link(changes, dir, name, S_IFCHR, NULL, NULL, why);
}

static struct inode *dir_or_null(struct inode *inode)
{
	return inode && inode_is_dir(inode) ? inode : NULL;
}

static struct place *place_new(struct changes *changes, struct inode *inode)
{
	inode->index = changes->place_count++;
	return &changes->places[inode->index];
}

/* A name that is gone. What is not below needs no mention. */
static int gone(struct changes *changes, const struct place *parent, const struct dentry *dentry,
		struct diag *why)
{
	if (parent->is_flat ||
	    (changes->base && !changes_base_child(changes, parent->below, dentry_name(dentry))))
		return 0;
	return whiteout_add(changes, parent->out, dentry_name(dentry), why);
}

static int dir_lower(const struct changes *changes, const struct place *parent,
		     const struct dentry *dentry, const struct overlay_marks *marks,
		     struct inode **ret, struct diag *why)
{
	int r = 0;

	*ret = NULL;
	if (marks->is_opaque)
		return 0;
	if (marks->has_redirect)
		r = changes_redirect(changes, marks->redirect, parent->lower, ret, why);
	else
		*ret = changes_base_child(changes, parent->lower, dentry_name(dentry));
	*ret = dir_or_null(*ret);
	if (r == 0 && marks->has_redirect && !*ret)
		return diag_set(why, -EINVAL, "it was renamed from what is no directory below");
	return r;
}

static int dir_take(struct changes *changes, const struct place *parent, struct dentry *dentry,
		    const struct overlay_marks *marks, struct diag *why)
{
	struct inode *below =
		dir_or_null(changes_base_child(changes, parent->below, dentry_name(dentry)));
	bool hides = marks->is_opaque || marks->has_redirect;
	struct inode *lower = NULL, *out;
	struct place *place;
	int r;

	r = dir_lower(changes, parent, dentry, marks, &lower, why);
	if (r == 0)
		r = changes_link(changes, parent->out, dentry_name(dentry), S_IFDIR, NULL, &out,
				 why);
	if (r == 0)
		r = changes_inode(changes, dentry->inode, changes->request->maps, out, why);
	if (r < 0)
		return r;
	if (hides && !parent->is_flat && (below || !changes->base))
		out->index = LAYER_OPAQUE;
	place = place_new(changes, dentry->inode);
	*place = (struct place){
		.out = out,
		.lower = lower,
		.below = hides ? NULL : below,
		.is_flat = parent->is_flat || (marks->has_redirect && !marks->is_opaque),
	};
	if (place->is_flat && lower)
		r = changes_clone(changes, dentry->inode, lower, out, why);
	return r;
}

/* The content of a file whose metadata alone was copied up. */
static int metacopy_take(struct changes *changes, const struct place *parent,
			 const struct dentry *dentry, const struct overlay_marks *marks,
			 struct inode *out, struct diag *why)
{
	struct inode *lower = changes_base_child(changes, parent->lower, dentry_name(dentry));
	int r = 0;

	if (!changes->base)
		return diag_set(why, -EINVAL,
				"its content is in the image below, which is not named");
	if (marks->has_redirect)
		r = changes_redirect(changes, marks->redirect, parent->lower, &lower, why);
	if (r < 0)
		return r;
	if (!lower || !S_ISREG(lower->mode) || lower->size != dentry->inode->size)
		return diag_set(
			why, -EINVAL,
			"its content is in an image below, but not in the one that is named");
	return changes_content(changes->out, lower, out);
}

static int file_take(struct changes *changes, const struct place *parent, struct dentry *dentry,
		     const struct overlay_marks *marks, struct diag *why)
{
	struct inode *source = dentry->inode, *out = NULL;
	bool is_again = source->index > 0;
	int r;

	out = is_again ? changes->places[source->index].out : NULL;
	r = changes_link(changes, parent->out, dentry_name(dentry), source->mode, out, &out, why);
	if (r < 0 || is_again)
		return r;
	place_new(changes, source)->out = out;
	r = changes_inode(changes, source, changes->request->maps, out, why);
	if (r == 0 && marks->is_metacopy)
		r = metacopy_take(changes, parent, dentry, marks, out, why);
	return r;
}

static int dentry_take(struct changes *changes, struct dentry *dentry, struct diag *why)
{
	const struct place *parent = &changes->places[dentry->parent->index];
	const struct overlay_marks marks = overlay_marks_of(dentry->inode);

	if (marks.is_whiteout)
		return gone(changes, parent, dentry, why);
	if (S_ISSOCK(dentry->inode->mode)) {
		changes->notes.socket_count++;
		return gone(changes, parent, dentry, why);
	}
	if (inode_is_dir(dentry->inode))
		return dir_take(changes, parent, dentry, &marks, why);
	return file_take(changes, parent, dentry, &marks, why);
}

static int upper_take(struct changes *changes, struct diag *why)
{
	struct tree *upper = changes->request->upper;
	struct inode *base_root = changes->base ? changes->base->root : NULL;

	*place_new(changes, upper->root) = (struct place){
		.out = changes->out->root,
		.lower = base_root,
		.below = base_root,
	};
	for (struct dentry *d = tree_walk_first(upper); d; d = tree_walk_next(upper, d))
		d->inode->index = 0;
	for (struct dentry *d = tree_walk_first(upper); d; d = tree_walk_next(upper, d)) {
		int r = dentry_take(changes, d, why);

		if (r < 0)
			return dentry_wrap(d, why, r);
	}
	return 0;
}

void changes_of_nothing(struct tree *tree)
{
	tree->root->index = 0;
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d))
		d->inode->index = 0;
}

/* One place each for the root of upper and for all its names; the same of the base. */
static int changes_init(struct changes *changes, const struct changes_request *request)
{
	size_t base_count = request->base ? request->base->names.count : 0;
	struct inode *root;

	*changes = (struct changes){
		.request = request,
		.base = request->base,
		.out = tree_new(),
		.places = calloc(request->upper->names.count + 1, sizeof(*changes->places)),
		.clones = calloc(base_count + 1, sizeof(*changes->clones)),
	};
	root = changes->out ? tree_inode_new(changes->out, S_IFDIR | 0755) : NULL;
	if (!root || !changes->places || !changes->clones)
		return -ENOMEM;
	if (request->base)
		changes_of_nothing(request->base);
	return tree_root_set(changes->out, root, NULL);
}

int changes_make(const struct changes_request *request, struct tree **ret,
		 struct changes_notes *ret_notes, struct diag *why)
{
	CLEAN(changes_release) struct changes changes;
	int r;

	r = changes_init(&changes, request);
	if (r == 0)
		r = upper_take(&changes, why);
	if (r == 0)
		r = tree_primaries_set(changes.out);
	if (r < 0)
		return r;
	*ret = TAKE(changes.out);
	*ret_notes = changes.notes;
	return 0;
}
