/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * subids.h - the subordinate ids that the administrator gave to a user
 *
 * /etc/subuid and /etc/subgid (subuid(5)): "NAME-OR-UID:START:COUNT" lines. Lines of another form
 * are passed over, as newuidmap(1) does, and so is a range that overlaps an earlier one of the same
 * user. Where else they may be: subid_source.h.
 */
#ifndef LAMINA_MOUNT_SUBIDS_H
#define LAMINA_MOUNT_SUBIDS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

struct diag; /* base/diag.h */

#define SUBIDS_UIDS_PATH "/etc/subuid"
#define SUBIDS_GIDS_PATH "/etc/subgid" /* by user, too: its first field is no group */
#define SUBIDS_RANGE_MAX 340           /* more could not be mapped: IDMAP_EXTENT_MAX */

struct subids_range {
	uint32_t start;
	uint32_t count; /* at least 1; start + count is no more than 2^32 - 1 */
};

/* A plain value, in the order of the file. */
struct subids {
	uint32_t count;
	struct subids_range ranges[SUBIDS_RANGE_MAX];
};

/*
 * Append a range. One without ids, with ids above 2^32 - 2 or with one that is there already is
 * passed over. -E2BIG for more than SUBIDS_RANGE_MAX.
 */
int subids_add(struct subids *ids, uint64_t start, uint64_t count, struct diag *why);

/*
 * All ranges of a user, whose lines begin with name (NULL: it has none) or with uid. -E2BIG for
 * more than SUBIDS_RANGE_MAX of them.
 */
int subids_parse(struct span text, const char *name, uid_t uid, struct subids *ret,
		 struct diag *why);

/* The same of a file. One that is not there has no ranges. */
int subids_read(const char *path, const char *name, uid_t uid, struct subids *ret,
		struct diag *why);

/* The name of a user, which the caller frees; NULL where the system knows none. */
char *subids_user_name(uid_t uid);

#endif
