/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * ids.h - owners as the image stores them, and as a mount with an id map shows them
 *
 * What the kernel does for an idmapped mount (Linux 6.18: i_uid_into_vfsuid(),
 * vfs_posix_acl_getxattr_idmapped(), cap_inode_getsecurity()), done by the server: in attributes,
 * and in the two kinds of xattrs that hold ids. "Inside" of a map is what is stored. An id without
 * a counterpart becomes IDMAP_NONE, which the kernel shows as the overflow id and does not copy up.
 */
#ifndef LAMINA_SERVE_IDS_H
#define LAMINA_SERVE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct fuse_reply; /* fuse/reply.h */
struct idmaps;     /* base/idmap.h */

/* maps is NULL where ids are shown as they are stored. */
uint32_t ids_uid(const struct idmaps *maps, uint32_t stored);
uint32_t ids_gid(const struct idmaps *maps, uint32_t stored);

/* Whether values of the xattr hold ids: POSIX ACLs and file capabilities. */
bool ids_are_in_xattr(struct span name);

/*
 * Answer with the value of such an xattr, shifted.
 *
 * An ACL (acl(5); version 2 of struct posix_acl_xattr_header) loses the entries of users and groups
 * that have no counterpart: nobody could be meant by them, and the kernel would refuse the whole
 * list. Capabilities (capabilities(7), struct vfs_ns_cap_data) get the id that root has outside:
 * revision 2, which is of the root of the mount's own user namespace, becomes revision 3 where that
 * is another one. What is malformed is answered as it is stored, for the kernel to judge.
 *
 * Returns 0 or -ERANGE.
 */
int ids_reply_xattr(const struct idmaps *maps, struct span name, struct span value,
		    struct fuse_reply *reply);

#endif
