/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * subid_source.h - where the subordinate ids of a user are written down
 *
 * In /etc/subuid and /etc/subgid (subids.h), unless nsswitch.conf(5) has a line "subid: SOURCE":
 * then a directory service may have them, and libsubid (of shadow; subid.h, versions 4 and 5) asks
 * it, for us as for newuidmap(1). It is loaded only then.
 */
#ifndef LAMINA_MOUNT_SUBID_SOURCE_H
#define LAMINA_MOUNT_SUBID_SOURCE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/span.h"

struct diag;   /* base/diag.h */
struct subids; /* mount/subids.h */

enum subid_kind {
	SUBID_UIDS,
	SUBID_GIDS,
};

/* Whether the text of nsswitch.conf names another source than the files. */
bool subid_source_is_library(struct span nsswitch);

/*
 * All ranges of a user, who is name (NULL: he has none) or uid. A source that does not know him, or
 * cannot be asked, has none: libsubid does not tell these apart.
 *
 *   -EOPNOTSUPP  libsubid is to be asked, and not here
 *   else as subids_read()
 */
int subid_source_read(enum subid_kind kind, const char *name, uid_t uid, struct subids *ret,
		      struct diag *why);

#endif
