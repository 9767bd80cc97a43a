/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Ids in values. POSIX ACLs (Linux, include/uapi/linux/posix_acl_xattr.h):
 *
 *   offset  size  meaning
 *        0     4  version, 2
 *        4    8n  entries: u16 tag, u16 permissions, u32 id; of a user where the tag is 2, of a
 *                 group where it is 8
 *
 * File capabilities (include/uapi/linux/capability.h): u32 whose highest byte is the revision,
 * four u32 of bits; in revision 3 then the id, outside, of the root of the user namespace that they
 * count in. In revision 2, which is what a layer has, that is whoever's root.
 */
#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "base/le.h"
#include "oci/changes_private.h"
#include "tree/tree.h"

#define ACL_VERSION 2
#define ACL_ENTRY_SIZE 8
#define ACL_USER 2
#define ACL_GROUP 8
#define CAP_REVISION_2 0x02000000u
#define CAP_REVISION_3 0x03000000u
#define CAP_REVISION_MASK 0xff000000u
#define CAP_SIZE_2 20
#define CAP_SIZE_3 24

/* What overlayfs has noted */

/* The part behind "trusted.overlay." or "user.overlay."; false: not one of overlayfs. */
static bool overlay_key(struct span key, struct span *ret_prefix, struct span *ret_rest)
{
	static const struct span prefixes[] = {
		SPAN_LITERAL("trusted.overlay."),
		SPAN_LITERAL("user.overlay."),
	};

	for (size_t i = 0; i < 2; i++) {
		if (!span_starts_with(key, prefixes[i]))
			continue;
		*ret_prefix = prefixes[i];
		return span_from(key, prefixes[i].size, ret_rest);
	}
	return false;
}

struct overlay_marks overlay_marks_of(const struct inode *inode)
{
	struct overlay_marks marks = {.is_whiteout = inode_is_whiteout(inode)};

	for (size_t i = 0; i < inode->xattr_count; i++) {
		const struct xattr *xattr = inode->xattrs[i];
		struct span prefix, name;

		if (!overlay_key(xattr->key, &prefix, &name))
			continue;
		if (span_equal(name, SPAN_LITERAL("whiteout")))
			marks.is_whiteout |= S_ISREG(inode->mode) && inode->size == 0;
		else if (span_equal(name, SPAN_LITERAL("opaque")))
			marks.is_opaque |= span_equal(xattr->value, SPAN_LITERAL("y"));
		else if (span_equal(name, SPAN_LITERAL("metacopy")))
			marks.is_metacopy |= S_ISREG(inode->mode);
		else if (span_equal(name, SPAN_LITERAL("redirect"))) {
			marks.has_redirect = true;
			marks.redirect = xattr->value;
		}
	}
	return marks;
}

/* Ids in values */

static uint32_t number_at(const uint8_t *bytes)
{
	return le32_get(*(const le32 *)(const void *)bytes);
}

static void number_put(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

static int unmapped(const char *what, uint32_t id, struct diag *why)
{
	return diag_set(why, -EINVAL, "the map does not have %s %u", what, id);
}

static int acl_shift(const struct idmaps *maps, struct buf *value, struct diag *why)
{
	if (value->size < 4 || value->size % ACL_ENTRY_SIZE != 4 ||
	    number_at(value->data) != ACL_VERSION)
		return diag_set(why, -EINVAL, "an access control list that is none");
	for (size_t at = 4; at < value->size; at += ACL_ENTRY_SIZE) {
		unsigned int tag = value->data[at] | (unsigned int)value->data[at + 1] << 8;
		uint32_t id = number_at(value->data + at + 4), inside;

		if (tag != ACL_USER && tag != ACL_GROUP)
			continue;
		inside = idmap_to_inside(tag == ACL_USER ? &maps->uids : &maps->gids, id);
		if (inside == IDMAP_NONE)
			return unmapped(tag == ACL_USER ? "user" : "group", id, why);
		number_put(value->data + at + 4, inside);
	}
	return 0;
}

static int capability_shift(const struct idmaps *maps, struct buf *value, struct diag *why)
{
	uint32_t magic, root, inside;

	if (value->size != CAP_SIZE_3)
		return 0;
	magic = number_at(value->data);
	if ((magic & CAP_REVISION_MASK) != CAP_REVISION_3)
		return 0;
	root = number_at(value->data + CAP_SIZE_2);
	inside = maps ? idmap_to_inside(&maps->uids, root) : root;
	if (inside == IDMAP_NONE)
		return unmapped("the user of its capabilities,", root, why);
	number_put(value->data + CAP_SIZE_2, inside);
	if (inside == 0) {
		number_put(value->data, (magic & ~CAP_REVISION_MASK) | CAP_REVISION_2);
		value->size = CAP_SIZE_2;
	}
	return 0;
}

/* Which stay */

static bool is_local(struct span key)
{
	static const char *const keys[] = {"security.selinux", "security.ima", "security.evm",
					   "system.nfs4_acl"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (span_equal(key, span_of_string(keys[i])))
			return true;
	}
	return false;
}

/* The key as it was inside of the overlay, into *ret. 0: it was not there; -ENOMEM. */
static int key_inside(struct span key, struct buf *ret)
{
	struct span prefix, rest;
	int r;

	if (!overlay_key(key, &prefix, &rest)) {
		r = buf_append_span(ret, key);
		return r < 0 ? r : 1;
	}
	if (!span_starts_with(rest, SPAN_LITERAL("overlay.")))
		return 0;
	r = buf_append_span(ret, prefix);
	if (r == 0)
		r = buf_append(ret, rest.data + strlen("overlay."), rest.size - strlen("overlay."));
	return r < 0 ? r : 1;
}

static int xattr_copy(const struct xattr *xattr, const struct idmaps *maps, struct tree *tree,
		      struct inode *target, struct diag *why)
{
	CLEAN(buf_release) struct buf key = {0}, value = {0};
	int r = key_inside(xattr->key, &key);

	if (r <= 0)
		return r;
	r = buf_append_span(&value, xattr->value);
	if (r == 0 && maps && span_starts_with(xattr->key, SPAN_LITERAL("system.posix_acl_")))
		r = acl_shift(maps, &value, why);
	else if (r == 0 && span_equal(xattr->key, SPAN_LITERAL("security.capability")))
		r = capability_shift(maps, &value, why);
	return r < 0 ? r : tree_xattr_set(tree, target, buf_span(&key), buf_span(&value), why);
}

int changes_xattrs(const struct inode *source, const struct idmaps *maps, struct tree *tree,
		   struct inode *target, struct diag *why)
{
	for (size_t i = 0; i < source->xattr_count; i++) {
		int r;

		if (is_local(source->xattrs[i]->key))
			continue;
		r = xattr_copy(source->xattrs[i], maps, tree, target, why);
		if (r < 0)
			return r;
	}
	return 0;
}
