/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * id_shorthand.h - the id maps that have a name
 *
 *   root     0 is the caller, no other id exists.
 *   auto     0 is the caller, 1 and up are its subordinate ids. For root of the initial namespace 0
 *            and up are the subordinate ids of user "containers", else of "root" (as podman does).
 *   keep-id  the caller keeps its number; the ids around it, from 0 on, are its subordinate ones.
 *
 * Outside are the ids of the caller's user namespace. In the initial one the subordinate ids are
 * those of /etc/subuid and /etc/subgid, or where else they are (mount/subid_source.h). In another
 * one they are all that exist in it but the caller's own, whose number to keep is the one that the
 * namespace above has for it: podman's
 * --userns=keep-id, seen from within "podman unshare".
 */
#ifndef LAMINA_OPS_ID_SHORTHAND_H
#define LAMINA_OPS_ID_SHORTHAND_H

#include <stdbool.h>
#include <stdint.h>

#include "mount/subids.h"

struct diag;   /* base/diag.h */
struct idmap;  /* base/idmap.h */
struct idmaps; /* base/idmap.h */

enum id_shorthand {
	ID_SHORTHAND_NONE,
	ID_SHORTHAND_AUTO,
	ID_SHORTHAND_KEEP,
	ID_SHORTHAND_ROOT,
};

#define ID_SHORTHAND_NAMES "auto, keep-id or root"

/* Returns 0, or -EINVAL for a name that is none of these. */
int id_shorthand_by_name(const char *name, enum id_shorthand *ret, struct diag *why);

/* What the map of users, or that of groups, is made from. */
struct id_side {
	uint32_t own;         /* the caller */
	uint32_t kept;        /* the number that keep-id gives it */
	bool auto_lacks_own;  /* auto has subordinate ids only */
	struct subids others; /* own among them is passed over */
};

/* The map of one side. -ENOENT: nothing would be in it; -E2BIG: too many extents. */
int id_shorthand_compute(enum id_shorthand shorthand, const struct id_side *side, struct idmap *ret,
			 struct diag *why);

/*
 * Both maps, for this process, here. -ENOENT: auto, as root of the initial namespace, where nobody
 * gave "containers" or "root" ids; -EINVAL: the caller's own id does not exist in its namespace.
 */
int id_shorthand_maps(enum id_shorthand shorthand, struct idmaps *ret, struct diag *why);

#endif
