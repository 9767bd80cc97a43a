/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fsids.h - who this thread is to file systems, for a while
 *
 * Only what setfsuid(2) and setfsgid(2) change: owners of new files, permission checks, and whose
 * credentials overlayfs keeps. Capabilities and the dumpable flag, which the kernel takes away with
 * such a change, stay as they were.
 */
#ifndef LAMINA_MOUNT_FSIDS_H
#define LAMINA_MOUNT_FSIDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct diag; /* base/diag.h */

/* As the user namespace of this process has them. */
struct fsids {
	uid_t uid;
	gid_t gid;
};

/* What to go back to. {0}: nowhere. */
struct fsids_saved {
	bool is_entered;
	struct fsids ids;
	uint32_t effective[2]; /* capabilities, as of capget(2), version 3 */
	int dumpable;
};

/*
 * Be another to file systems until fsids_leave(). -EPERM: CAP_SETUID and CAP_SETGID are missing, or
 * the ids do not exist in this user namespace; nothing has changed then.
 */
int fsids_enter(const struct fsids *ids, struct fsids_saved *ret, struct diag *why);

/* For CLEAN(); errno is kept. */
void fsids_leave(struct fsids_saved *saved);

#endif
