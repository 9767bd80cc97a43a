/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * userns.h - which user namespace this process is in, what it may do there, and entering a new one
 */
#ifndef LAMINA_MOUNT_USERNS_H
#define LAMINA_MOUNT_USERNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

struct diag; /* base/diag.h */

/* Whether this is the namespace the machine booted with. */
bool userns_is_initial(void);

/*
 * Whether this process may mount here, that is, has CAP_SYS_ADMIN in the user namespace that owns
 * its mount namespace: 0, or a negative errno. Asked by its effect, which security modules have a
 * say in.
 */
int userns_may_mount(struct diag *why);

/* Whether ids of this namespace have a meaning outside; an unmapped one cannot own anything. */
bool userns_has_uid(uid_t uid);
bool userns_has_gid(gid_t gid);

/* Whether a text of the form of /proc/PID/uid_map ("inside outside count" lines) covers id. */
bool userns_map_covers(struct span map, uint32_t id);

/* What unmapped ids are shown as: /proc/sys/kernel/overflowuid and overflowgid. */
uid_t userns_overflow_uid(void);
gid_t userns_overflow_gid(void);

/*
 * Move this process to a new user namespace, where it is root and no other id exists, and to a new
 * mount namespace owned by that. Needs a process of one thread (-EINVAL). What was learned from
 * mount_feature() before is forgotten.
 */
int userns_enter(struct diag *why);

/* The same without maps: no id exists in it until somebody outside writes them (mount/unshare.h).
 */
int userns_unshare(struct diag *why);

#endif
