/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * unshare.h - this process moves to a user and a mount namespace of its own, with any id map
 *
 * A map of more than the caller's own id takes CAP_SETUID and CAP_SETGID, or the setuid programs
 * newuidmap(1) and newgidmap(1), which give a user the ids that subids.h reads. Whoever writes the
 * maps has to be outside, so a child that stays there does it, and ends.
 */
#ifndef LAMINA_MOUNT_UNSHARE_H
#define LAMINA_MOUNT_UNSHARE_H

#include <stdbool.h>

struct diag;   /* base/diag.h */
struct idmaps; /* base/idmap.h */

/* Whether these maps take the setuid programs. */
bool unshare_needs_helpers(const struct idmaps *maps);

/* Whether both of them are in $PATH: 0 or -ENOENT. */
int unshare_find_helpers(struct diag *why);

/*
 * Needs a process of one thread (-EINVAL). Outside of maps are ids of the namespace that is left.
 * The process keeps its ids, as the map shows them; where that has no counterpart of its user id,
 * it becomes root and leaves its groups. It has all capabilities in the namespace until it executes
 * a program as another user than root. Mounts are private: none goes out, none comes in.
 *
 *   -EPERM   user namespaces are denied; or a setuid program refused, in its own words
 *   -ENOSPC  no more user namespaces
 *   -ENOENT  a setuid program is needed that is not installed
 *
 * After a failure the process may be in a namespace without ids: all it can do is say so and end.
 */
int unshare_enter(const struct idmaps *maps, struct diag *why);

#endif
