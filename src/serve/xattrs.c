/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "serve/ids.h"
#include "serve/view_private.h"
#include "serve/xattr_names.h"

/* What would have overlayfs read the data of a file itself that we serve whole; by its shown name.
 */
static bool hides_redirect(const struct view *view, const struct image_inode *inode,
			   struct span name)
{
	struct span own = view->kind == VIEW_METADATA_USER ? SPAN_LITERAL("user.overlay.")
							   : SPAN_LITERAL("trusted.overlay.");

	if (view->own_data_max == 0 || view->kind == VIEW_STANDALONE ||
	    !span_starts_with(name, own))
		return false;
	(void)span_from(name, own.size, &name);
	return (span_equal(name, SPAN_LITERAL("metacopy")) ||
		span_equal(name, SPAN_LITERAL("redirect"))) &&
	       S_ISREG(inode->mode) && view_serves_data(view, inode);
}

int view_getxattr(void *fs, uint64_t nodeid, struct span key, struct fuse_reply *reply)
{
	const struct view *view = fs;
	struct xattr_name_space space;
	struct image_inode inode;
	struct span value;
	int r;

	/* The kernel's own limit for a caller; above it, space could be too small. */
	if (key.size > XATTR_KEY_SIZE_MAX)
		return -ENODATA;
	if (!xattr_name_is_known(key) || (xattr_name_is_acl(key) && !view->image->has_acl))
		return -EOPNOTSUPP;
	r = view_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	if (hides_redirect(view, &inode, key))
		return -ENODATA;
	r = image_xattr_get(view->image, &inode, xattr_stored_name(view->kind, key, &space), &value,
			    NULL);
	if (r < 0)
		return view_result(view, r);
	r = view->maps && ids_are_in_xattr(key) ? ids_reply_xattr(view->maps, key, value, reply)
						: reply_span(reply, value);
	return view_result(view, r);
}

/*
 * The kernel's EROFS lists trusted.* only for those who may read them, which FUSE leaves to us. As
 * metadata of an overlay they are for the overlay, which does the same itself.
 */
static bool caller_sees(const struct view *view, const struct fuse_reply *reply, struct span name)
{
	if (xattr_name_is_acl(name))
		return view->image->has_acl;
	if (view->kind != VIEW_STANDALONE || !span_starts_with(name, SPAN_LITERAL("trusted.")))
		return true;
	return view->in_initial_userns &&
	       (reply->caller_uid == 0 || reply->caller_uid == UINT32_MAX);
}

static int list_add(struct fuse_reply *reply, struct span name)
{
	static const uint8_t end = '\0';
	int r = reply_copy(reply, name);

	return r < 0 ? r : reply_copy(reply, span_of(&end, 1));
}

int view_listxattr(void *fs, uint64_t nodeid, struct fuse_reply *reply)
{
	const struct view *view = fs;
	struct image_xattr xattr = {0};
	struct xattr_name_space space;
	struct image_inode inode;
	struct span name;
	int r;

	r = view_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	while ((r = image_xattr_next(view->image, &inode, xattr.next, &xattr, NULL)) > 0) {
		if (!xattr_shown_name(view->kind, &xattr, &space, &name) ||
		    !caller_sees(view, reply, name) || hides_redirect(view, &inode, name))
			continue;
		r = list_add(reply, name);
		if (r < 0)
			break;
	}
	return view_result(view, r);
}
