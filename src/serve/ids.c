/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/ids.h"

#include "base/idmap.h"
#include "base/le.h"
#include "fuse/reply.h"
#include "serve/xattr_names.h"

/* Linux, include/uapi/linux/posix_acl_xattr.h and posix_acl.h: the form of getxattr(2). */
#define ACL_VERSION 2
#define ACL_USER 0x02
#define ACL_GROUP 0x08

struct acl_header_disk {
	le32 version;
};

struct acl_entry_disk {
	le16 tag;
	le16 permissions;
	le32 id;
};
_Static_assert(sizeof(struct acl_entry_disk) == 8, "as the kernel says");

/* Linux, include/uapi/linux/capability.h. */
#define CAP_REVISION_MASK 0xff000000u
#define CAP_REVISION_2 0x02000000u
#define CAP_REVISION_3 0x03000000u

struct cap_v2_disk {
	le32 magic; /* revision and flags */
	le32 sets[4];
};
_Static_assert(sizeof(struct cap_v2_disk) == 20, "as the kernel says");

struct cap_v3_disk {
	struct cap_v2_disk v2;
	le32 rootid;
};
_Static_assert(sizeof(struct cap_v3_disk) == 24, "as the kernel says");

uint32_t ids_uid(const struct idmaps *maps, uint32_t stored)
{
	return maps ? idmap_to_outside(&maps->uids, stored) : stored;
}

uint32_t ids_gid(const struct idmaps *maps, uint32_t stored)
{
	return maps ? idmap_to_outside(&maps->gids, stored) : stored;
}

static bool is_capability(struct span name)
{
	return span_equal(name, SPAN_LITERAL("security.capability"));
}

bool ids_are_in_xattr(struct span name)
{
	return is_capability(name) || xattr_name_is_acl(name);
}

static int reply_acl(const struct idmaps *maps, struct span value, struct fuse_reply *reply)
{
	const struct acl_header_disk *header = span_at(value, 0, struct acl_header_disk);
	const struct acl_entry_disk *entry;
	int r;

	if (!header || le32_get(header->version) != ACL_VERSION ||
	    (value.size - sizeof(*header)) % sizeof(*entry) != 0)
		return reply_copy(reply, value);
	r = reply_copy(reply, span_of(header, sizeof(*header)));
	for (uint64_t at = sizeof(*header); r == 0; at += sizeof(*entry)) {
		struct acl_entry_disk shifted;

		entry = span_at(value, at, struct acl_entry_disk);
		if (!entry)
			break;
		shifted = *entry;
		if (le16_get(entry->tag) == ACL_USER || le16_get(entry->tag) == ACL_GROUP) {
			uint32_t id = le32_get(entry->id);

			id = le16_get(entry->tag) == ACL_USER ? ids_uid(maps, id)
							      : ids_gid(maps, id);
			if (id == IDMAP_NONE)
				continue;
			shifted.id = le32_of(id);
		}
		r = reply_copy(reply, span_of(&shifted, sizeof(shifted)));
	}
	return r;
}

static int reply_capability(const struct idmaps *maps, struct span value, struct fuse_reply *reply)
{
	const struct cap_v2_disk *v2 = span_at(value, 0, struct cap_v2_disk);
	const struct cap_v3_disk *v3 = span_at(value, 0, struct cap_v3_disk);
	uint32_t magic = v2 ? le32_get(v2->magic) : 0, root;
	struct cap_v3_disk shifted;

	if (v3 && value.size == sizeof(*v3) && (magic & CAP_REVISION_MASK) == CAP_REVISION_3) {
		root = ids_uid(maps, le32_get(v3->rootid));
	} else if (v2 && value.size == sizeof(*v2) &&
		   (magic & CAP_REVISION_MASK) == CAP_REVISION_2) {
		root = ids_uid(maps, 0);
		if (root == 0)
			return reply_copy(reply, value);
	} else {
		return reply_copy(reply, value);
	}
	shifted.v2 = *v2;
	shifted.v2.magic = le32_of((magic & ~CAP_REVISION_MASK) | CAP_REVISION_3);
	shifted.rootid = le32_of(root);
	return reply_copy(reply, span_of(&shifted, sizeof(shifted)));
}

int ids_reply_xattr(const struct idmaps *maps, struct span name, struct span value,
		    struct fuse_reply *reply)
{
	return is_capability(name) ? reply_capability(maps, value, reply)
				   : reply_acl(maps, value, reply);
}
