/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * upper.h - the upper and the work directory of an overlay, written through an id map
 *
 * What root of a container makes is stored as root's: the directories have the ids inside of the
 * map. For that overlayfs works as the id that root of the container has outside; as anybody whom
 * the map does not have it could not write at all.
 */
#ifndef LAMINA_OPS_UPPER_H
#define LAMINA_OPS_UPPER_H

#include "mount/fsids.h"
#include "mount/idmapped.h"

struct diag;            /* base/diag.h */
struct ids;             /* ops/ids.h */
struct overlay_options; /* mount/overlay.h */

struct upper {
	struct idmapped_pair pair; /* owned */
	struct fsids mounter;
};

#define UPPER_EMPTY ((struct upper){.pair = {.mount_fd = -1, .upper_fd = -1, .work_fd = -1}})

/*
 * Show the two directories by the map. userns_fd is of ids_userns(). Errors are those of
 * mount_idmap_pair(), and:
 *   -EINVAL  the map has no id 0 inside, or not the owner of one of the directories
 */
int upper_idmap(const struct ids *ids, int userns_fd, int upper_fd, int work_fd, struct upper *ret,
		struct diag *why);

/* Let an overlay have them; an empty upper changes nothing. It has to live until the mount is made.
 */
void upper_use(const struct upper *upper, struct overlay_options *options);

void upper_release(struct upper *upper);

#endif
