/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * xattr_names.h - under which name a view shows what the image stores
 *
 * An image is written for overlayfs without userxattr: trusted.overlay.* is for it, and
 * trusted.overlay.overlay.* is the user's trusted.overlay.* escaped. So is user.overlay.* the
 * user's own.
 *
 *   stored                     metadata, trusted   metadata, user            standalone
 *   trusted.overlay.overlay.X  the same            trusted.overlay.X         trusted.overlay.X
 *   trusted.overlay.X          the same            user.overlay.X            hidden
 *   user.overlay.X             the same            user.overlay.overlay.X    the same
 *
 * An overlayfs with userxattr leaves trusted.* alone, obeys user.overlay.X and unescapes
 * user.overlay.overlay.X (Linux 6.18, fs/overlayfs/xattrs.c; escapes since 6.7).
 */
#ifndef LAMINA_SERVE_XATTR_NAMES_H
#define LAMINA_SERVE_XATTR_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "serve/view.h"

struct image_xattr; /* erofs/image.h */

/* "security." with a suffix of 255 bytes, the longest the format holds, and a second "overlay.". */
#define XATTR_NAME_ROOM 320

/* Bytes that hold one name, when it has to be put together. */
struct xattr_name_space {
	uint8_t bytes[XATTR_NAME_ROOM];
};

/*
 * The name shown for an xattr of the image. Returns false when it is hidden. Names that the
 * kernel's EROFS does not know a prefix for are hidden as they are there.
 */
bool xattr_shown_name(enum view_kind kind, const struct image_xattr *stored,
		      struct xattr_name_space *space, struct span *ret);

/* The name under which the image stores what the view shows as name. */
struct span xattr_stored_name(enum view_kind kind, struct span name,
			      struct xattr_name_space *space);

/* Whether the kernel's EROFS has xattrs of such a name at all. */
bool xattr_name_is_known(struct span name);
bool xattr_name_is_acl(struct span name);

#endif
