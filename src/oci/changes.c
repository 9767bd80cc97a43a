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

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "base/limits.h"
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

struct changes {
	const struct changes_request *request;
	struct tree *base;    /* NULL: none */
	struct tree *out;     /* owned */
	struct place *places; /* owned; by index of an inode of upper */
	uint32_t place_count;
	struct inode **clones; /* owned; by index of an inode of base, less one */
	uint32_t clone_count;
	uint64_t entry_count;
	struct changes_notes notes;
};

static void changes_release(struct changes *changes)
{
	tree_free(changes->out);
	free(changes->places);
	free(changes->clones);
}

/* Making entries */

/* A name for inode, or with inode NULL for a new one of that mode. */
static int out_link(struct changes *changes, struct inode *dir, struct span name, uint32_t mode,
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

static int whiteout_add(struct changes *changes, struct inode *dir, struct span name,
			struct diag *why)
{
	return out_link(changes, dir, name, S_IFCHR, NULL, NULL, why);
}

static int content_copy(struct tree *tree, const struct inode *source, struct inode *target)
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

/* All that is not a name. maps: of the source; may be NULL. */
static int inode_copy(struct changes *changes, const struct inode *source,
		      const struct idmaps *maps, struct inode *target, struct diag *why)
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
		r = content_copy(changes->out, source, target);
	else if (S_ISLNK(source->mode))
		r = inode_target_set(changes->out, target,
				     span_of(source->symlink.target, source->size));
	return r < 0 ? r : changes_xattrs(source, maps, changes->out, target, why);
}

/* What a renamed directory brings along from the base */

/*
 * One entry of the base below dir; hard links stay such. A whiteout in the base is nothing, to
 * overlayfs as well.
 */
static int clone_add(struct changes *changes, struct dentry *dentry, struct inode *dir,
		     struct inode **ret, struct diag *why)
{
	struct inode *source = dentry->inode, *target;
	bool is_again = !inode_is_dir(source) && source->index;
	int r;

	if (inode_is_whiteout(source) || S_ISSOCK(source->mode)) {
		changes->notes.socket_count += S_ISSOCK(source->mode);
		*ret = NULL;
		return 0;
	}
	target = is_again ? changes->clones[source->index - 1] : NULL;
	r = out_link(changes, dir, dentry_name(dentry), source->mode, target, &target, why);
	if (r < 0 || is_again) {
		*ret = target;
		return r;
	}
	r = inode_copy(changes, source, NULL, target, why);
	if (!inode_is_dir(source)) {
		changes->clones[changes->clone_count++] = target;
		source->index = changes->clone_count;
	}
	*ret = target;
	return r;
}

/* dentry of the base, with all that is below it. */
static int clone(struct changes *changes, struct dentry *top, struct inode *dir, struct diag *why)
{
	struct dentry *at = top;

	while (true) {
		struct inode *target;
		int r = clone_add(changes, at, dir, &target, why);

		if (r < 0)
			return r;
		if (inode_is_dir(at->inode) && at->inode->dir.first) {
			at = at->inode->dir.first;
			dir = target;
			continue;
		}
		while (at != top && !at->next) {
			at = at->parent->primary;
			dir = dir->primary->parent;
		}
		if (at == top)
			return 0;
		at = at->next;
	}
}

/* All of lower that the directory of upper does not have itself, or hide. */
static int lower_clone(struct changes *changes, const struct inode *upper, struct inode *lower,
		       struct inode *out, struct diag *why)
{
	for (struct dentry *d = lower->dir.first; d; d = d->next) {
		int r;

		if (tree_lookup(changes->request->upper, upper, dentry_name(d)))
			continue;
		r = clone(changes, d, out, why);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Redirects */

static struct inode *child_of(const struct changes *changes, const struct inode *dir,
			      struct span name)
{
	struct dentry *found = dir && changes->base && inode_is_dir(dir)
				       ? tree_lookup(changes->base, dir, name)
				       : NULL;

	return found && !inode_is_whiteout(found->inode) ? found->inode : NULL;
}

static struct inode *dir_or_null(struct inode *inode)
{
	return inode && inode_is_dir(inode) ? inode : NULL;
}

/* From the root, as "/a/b"; NULL: there is nothing. */
static struct inode *path_find(const struct changes *changes, struct span path)
{
	struct inode *found = changes->base->root;

	while (found && path.size) {
		const uint8_t *slash;
		size_t size;

		path = span_of(path.data + 1, path.size - 1);
		slash = path.size ? memchr(path.data, '/', path.size) : NULL;
		size = slash ? (size_t)(slash - path.data) : path.size;
		found = child_of(changes, found, span_of(path.data, size));
		path = span_of(path.data + size, path.size - size);
	}
	return found;
}

/*
 * What overlayfs goes on with below: a redirect is the name in the same directory, or a path from
 * the root (overlayfs.rst, "redirect_dir").
 */
static int redirect_find(const struct changes *changes, struct span redirect,
			 const struct inode *lower_dir, struct inode **ret, struct diag *why)
{
	if (!changes->base)
		return diag_set(why, -EINVAL,
				"it was renamed, and lies in the image below, which is not named");
	if (redirect.size == 0 || memchr(redirect.data, '\0', redirect.size) ||
	    (redirect.data[0] != '/' && memchr(redirect.data, '/', redirect.size)))
		return diag_set(why, -EUCLEAN, "a redirect that is no name and no path");
	*ret = redirect.data[0] == '/' ? path_find(changes, redirect)
				       : child_of(changes, lower_dir, redirect);
	if (!*ret)
		return diag_set(why, -EINVAL,
				"it lies at '%.*s' in the image below, which has no such file",
				(int)redirect.size, (const char *)redirect.data);
	return 0;
}

/* Entries of upper */

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
	    (changes->base && !child_of(changes, parent->below, dentry_name(dentry))))
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
		r = redirect_find(changes, marks->redirect, parent->lower, ret, why);
	else
		*ret = child_of(changes, parent->lower, dentry_name(dentry));
	*ret = dir_or_null(*ret);
	if (r == 0 && marks->has_redirect && !*ret)
		return diag_set(why, -EINVAL, "it was renamed from what is no directory below");
	return r;
}

static int dir_take(struct changes *changes, const struct place *parent, struct dentry *dentry,
		    const struct overlay_marks *marks, struct diag *why)
{
	struct inode *below = dir_or_null(child_of(changes, parent->below, dentry_name(dentry)));
	bool hides = marks->is_opaque || marks->has_redirect;
	struct inode *lower = NULL, *out;
	struct place *place;
	int r;

	r = dir_lower(changes, parent, dentry, marks, &lower, why);
	if (r == 0)
		r = out_link(changes, parent->out, dentry_name(dentry), S_IFDIR, NULL, &out, why);
	if (r == 0)
		r = inode_copy(changes, dentry->inode, changes->request->maps, out, why);
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
		r = lower_clone(changes, dentry->inode, lower, out, why);
	return r;
}

/* The content of a file whose metadata alone was copied up. */
static int metacopy_take(struct changes *changes, const struct place *parent,
			 const struct dentry *dentry, const struct overlay_marks *marks,
			 struct inode *out, struct diag *why)
{
	struct inode *lower = child_of(changes, parent->lower, dentry_name(dentry));
	int r = 0;

	if (!changes->base)
		return diag_set(why, -EINVAL,
				"its content is in the image below, which is not named");
	if (marks->has_redirect)
		r = redirect_find(changes, marks->redirect, parent->lower, &lower, why);
	if (r < 0)
		return r;
	if (!lower || !S_ISREG(lower->mode) || lower->size != dentry->inode->size)
		return diag_set(
			why, -EINVAL,
			"its content is in an image below, but not in the one that is named");
	return content_copy(changes->out, lower, out);
}

static int file_take(struct changes *changes, const struct place *parent, struct dentry *dentry,
		     const struct overlay_marks *marks, struct diag *why)
{
	struct inode *source = dentry->inode, *out = NULL;
	bool is_again = source->index > 0;
	int r;

	out = is_again ? changes->places[source->index].out : NULL;
	r = out_link(changes, parent->out, dentry_name(dentry), source->mode, out, &out, why);
	if (r < 0 || is_again)
		return r;
	place_new(changes, source)->out = out;
	r = inode_copy(changes, source, changes->request->maps, out, why);
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
