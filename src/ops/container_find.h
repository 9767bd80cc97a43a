/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * container_find.h - the upper directory of a container that runs
 *
 * Found by the record of its mount (ops/mounts.h). Whoever may write to the repository may have
 * written one, so only those count that the caller wrote himself.
 */
#ifndef LAMINA_OPS_CONTAINER_FIND_H
#define LAMINA_OPS_CONTAINER_FIND_H

struct diag; /* base/diag.h */

struct container_upper {
	char *upper; /* owned; absolute */
	char *image; /* owned; what it is the upper directory of, as the user named it */
};

void container_upper_release(struct container_upper *found);

/*
 * Find it by the container's name.
 *
 *   -ENOENT      no container of that name runs
 *   -EOPNOTSUPP  what it changes is in memory
 *   -EINVAL      its upper directory has other owners than it sees: the map has to be said
 *   -ESTALE      the name of its image leads to another one by now
 */
int container_find(const char *repo, const char *name, struct container_upper *ret,
		   struct diag *why);

#endif
