/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * changes_base.c - the tree below: what is found there, and what a renamed directory brings along
 */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "oci/changes.h"
#include "oci/changes_private.h"
#include "tree/tree.h"

struct inode *changes_base_child(const struct changes *changes, const struct inode *dir,
				 struct span name)
{
	struct dentry *found = dir && changes->base && inode_is_dir(dir)
				       ? tree_lookup(changes->base, dir, name)
				       : NULL;

	return found && !inode_is_whiteout(found->inode) ? found->inode : NULL;
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
		found = changes_base_child(changes, found, span_of(path.data, size));
		path = span_of(path.data + size, path.size - size);
	}
	return found;
}

int changes_redirect(const struct changes *changes, struct span redirect,
		     const struct inode *lower_dir, struct inode **ret, struct diag *why)
{
	if (!changes->base)
		return diag_set(why, -EINVAL,
				"it was renamed, and lies in the image below, which is not named");
	if (redirect.size == 0 || memchr(redirect.data, '\0', redirect.size) ||
	    (redirect.data[0] != '/' && memchr(redirect.data, '/', redirect.size)))
		return diag_set(why, -EUCLEAN, "a redirect that is no name and no path");
	*ret = redirect.data[0] == '/' ? path_find(changes, redirect)
				       : changes_base_child(changes, lower_dir, redirect);
	if (!*ret)
		return diag_set(why, -EINVAL,
				"it lies at '%.*s' in the image below, which has no such file",
				(int)redirect.size, (const char *)redirect.data);
	return 0;
}

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
	r = changes_link(changes, dir, dentry_name(dentry), source->mode, target, &target, why);
	if (r < 0 || is_again) {
		*ret = target;
		return r;
	}
	r = changes_inode(changes, source, NULL, target, why);
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

int changes_clone(struct changes *changes, const struct inode *upper, struct inode *lower,
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
