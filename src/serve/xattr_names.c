/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * xattr_names.c - what an xattr of the image is called in each view
 *
 * An image has its instructions for overlayfs as trusted.overlay.*, and what the user's files had
 * under that name one level escaped (composefs-image.md, section 4). user.overlay.* in it are the
 * user's own.
 *
 *   in the image               metadata, trusted         metadata, user              standalone
 *   trusted.overlay.X          trusted.overlay.X         user.overlay.X              -
 *   trusted.overlay.overlay.X  trusted.overlay.overlay.X trusted.overlay.X trusted.overlay.X
 *   user.overlay.X             user.overlay.X            user.overlay.overlay.X      user.overlay.X
 *   any other                  the same                  the same                    the same
 *
 * overlayfs obeys X under its own prefix and shows what is escaped under it without the escape
 * (Linux 6.18, fs/overlayfs/xattrs.c); with userxattr it passes trusted.* through. So every row
 * ends, for who looks through overlayfs or at the standalone mount, as the same name.
 */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "fuse/reply.h"
#include "serve/view_private.h"

#define TRUSTED_OVERLAY "trusted.overlay."
#define USER_OVERLAY "user.overlay."
#define ESCAPE "overlay."

struct rule {
	struct span image; /* prefix in the image... */
	struct span view;  /* ...and in the view; empty: hidden */
};
#define RULE(image_prefix, view_prefix)                               \
	{                                                             \
		SPAN_LITERAL(image_prefix), SPAN_LITERAL(view_prefix) \
	}

/* The first prefix that fits decides. */
static const struct rule user_rules[] = {
	RULE(TRUSTED_OVERLAY ESCAPE, TRUSTED_OVERLAY),
	RULE(TRUSTED_OVERLAY, USER_OVERLAY),
	RULE(USER_OVERLAY, USER_OVERLAY ESCAPE),
};
static const struct rule standalone_rules[] = {
	RULE(TRUSTED_OVERLAY ESCAPE, TRUSTED_OVERLAY),
	RULE(TRUSTED_OVERLAY, ""),
};

struct rules {
	const struct rule *rules;
	size_t count;
};

static struct rules rules_of(const struct view *view)
{
	switch (view->config.kind) {
	case VIEW_METADATA_USER:
		return (struct rules){user_rules, sizeof(user_rules) / sizeof(user_rules[0])};
	case VIEW_STANDALONE:
		return (struct rules){standalone_rules,
				      sizeof(standalone_rules) / sizeof(standalone_rules[0])};
	case VIEW_METADATA_TRUSTED:
		break;
	}
	return (struct rules){NULL, 0};
}

/*
 * A key, put together from a prefix and the rest. Escaping adds to keys that may have
 * XATTR_KEY_SIZE_MAX bytes already; the image itself may have done so once.
 */
struct key {
	uint8_t bytes[XATTR_KEY_SIZE_MAX + 2 * sizeof(ESCAPE)];
	size_t size;
};

static bool key_make(struct span first, struct span second, struct key *ret)
{
	if (first.size + second.size > sizeof(ret->bytes))
		return false;
	if (first.size)
		memcpy(ret->bytes, first.data, first.size);
	if (second.size)
		memcpy(ret->bytes + first.size, second.data, second.size);
	ret->size = first.size + second.size;
	return true;
}

/* The name in the view; false when it is hidden. */
static bool name_in_view(struct rules rules, const struct key *in_image, struct key *ret)
{
	struct span name = span_of(in_image->bytes, in_image->size), rest;

	for (size_t i = 0; i < rules.count; i++) {
		const struct rule *rule = &rules.rules[i];

		if (!span_starts_with(name, rule->image))
			continue;
		return rule->view.size && span_from(name, rule->image.size, &rest) &&
		       key_make(rule->view, rest, ret);
	}
	*ret = *in_image;
	return true;
}

/*
 * The name in the image of what the view calls name; false when the view has no such name. The
 * longest prefix of the view that fits decides, which makes this the inverse of name_in_view().
 */
static bool name_in_image(struct rules rules, struct span name, struct key *ret)
{
	const struct rule *best = NULL;
	struct span rest;

	for (size_t i = 0; i < rules.count; i++) {
		const struct rule *rule = &rules.rules[i];

		if (rule->view.size && span_starts_with(name, rule->view) &&
		    (!best || rule->view.size > best->view.size))
			best = rule;
	}
	if (!best)
		return key_make(name, SPAN_EMPTY, ret);
	return span_from(name, best->view.size, &rest) && key_make(best->image, rest, ret);
}

int view_getxattr(void *fs, uint64_t nodeid, struct span key, struct fuse_reply *reply)
{
	const struct view *view = fs;
	struct image_inode inode;
	struct span value;
	struct key name;
	int r;

	r = view_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	if (!name_in_image(rules_of(view), key, &name))
		return -ENODATA;
	r = image_xattr_get(view_image(view), &inode, span_of(name.bytes, name.size), &value, NULL);
	if (view_check(view) < 0 || r == -EUCLEAN)
		return -EIO;
	return r < 0 ? r : reply_span(reply, value);
}

static int name_list(const struct view *view, const struct image_xattr *xattr,
		     struct fuse_reply *reply)
{
	struct key in_image, in_view;
	int r;

	/* Longer than any name that could be asked for. */
	if (!key_make(xattr->prefix, xattr->suffix, &in_image) ||
	    !name_in_view(rules_of(view), &in_image, &in_view) || in_view.size > XATTR_KEY_SIZE_MAX)
		return 0;
	r = reply_bytes(reply, span_of(in_view.bytes, in_view.size));
	return r < 0 ? r : reply_bytes(reply, span_of("", 1));
}

int view_listxattr(void *fs, uint64_t nodeid, struct fuse_reply *reply)
{
	const struct view *view = fs;
	struct image_inode inode;
	struct image_xattr xattr;
	uint64_t position = 0;
	int r;

	r = view_inode(view, nodeid, &inode);
	if (r < 0)
		return r;
	while ((r = image_xattr_next(view_image(view), &inode, position, &xattr, NULL)) > 0) {
		position = xattr.next;
		r = name_list(view, &xattr, reply);
		if (r < 0)
			break;
	}
	if (view_check(view) < 0 || r == -EUCLEAN)
		return -EIO;
	return r < 0 ? r : 0;
}
