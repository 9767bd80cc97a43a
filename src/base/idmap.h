/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * idmap.h - which id inside a user namespace, or of an image, is which id outside
 *
 * As the kernel has it (user_namespaces(7), "Defining user and group ID mappings"; Linux 6.18,
 * kernel/user_namespace.c, map_write()): extents of ids that follow each other, none of which may
 * overlap on either side. An id in none of them has no counterpart: IDMAP_NONE, which the kernel
 * shows as the overflow id and refuses to store.
 *
 * A plain value: owns nothing, is copied by assignment; {0} maps no id at all. Immutable when it is
 * complete, and may then be read by any thread.
 */
#ifndef LAMINA_BASE_IDMAP_H
#define LAMINA_BASE_IDMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct buf;  /* base/buf.h */
struct diag; /* base/diag.h */

#define IDMAP_EXTENT_MAX 340      /* UID_GID_MAP_MAX_EXTENTS of Linux 4.15 and later */
#define IDMAP_NONE ((uint32_t)-1) /* never an id: (uid_t)-1 */
#define IDMAP_OPTION "INSIDE:OUTSIDE:COUNT"

struct idmap_extent {
	uint32_t inside; /* the first id */
	uint32_t outside;
	uint32_t count;
};

struct idmap {
	uint32_t count;
	struct idmap_extent extents[IDMAP_EXTENT_MAX]; /* by inside */
	uint16_t by_outside[IDMAP_EXTENT_MAX];         /* their indices, by outside */
};

/* The two maps that belong together. */
struct idmaps {
	struct idmap uids;
	struct idmap gids;
};

/*
 * Add an extent; adjacent ones stay two.
 *
 *   -EINVAL  count is 0, or an id would be IDMAP_NONE or above
 *   -EEXIST  an id of it is mapped already, on either side
 *   -E2BIG   more than IDMAP_EXTENT_MAX
 */
int idmap_add(struct idmap *map, struct idmap_extent extent, struct diag *why);

/* Add "INSIDE:OUTSIDE:COUNT[,...]", decimal. -EINVAL for another form, else as idmap_add(). */
int idmap_add_list(struct idmap *map, const char *text, struct diag *why);

/*
 * Add the lines of /proc/PID/uid_map: "INSIDE OUTSIDE COUNT", any spaces between. -EUCLEAN for
 * another form. The map of the initial user namespace, whose count is 2^32 - 1, is fine. Extents
 * whose outside is IDMAP_NONE are left out: so the kernel shows ids that the reader does not have.
 */
int idmap_add_lines(struct idmap *map, struct span text, struct diag *why);

/* The counterpart, or IDMAP_NONE. O(log count). */
uint32_t idmap_to_outside(const struct idmap *map, uint32_t inside);
uint32_t idmap_to_inside(const struct idmap *map, uint32_t outside);

/* Whether every id but IDMAP_NONE is its own counterpart. */
bool idmap_is_identity(const struct idmap *map);
void idmap_set_identity(struct idmap *ret);

/*
 * One after the other: inside of first, through outside of first = inside of second, to outside of
 * second. Ids that second does not have are not mapped. -E2BIG where that is too many extents. *ret
 * may not be one of them.
 */
int idmap_compose(const struct idmap *first, const struct idmap *second, struct idmap *ret,
		  struct diag *why);

/* *ret: the ids that map has inside, each its own counterpart. */
void idmap_of_inside(const struct idmap *map, struct idmap *ret);

/* Append what can be written to /proc/PID/uid_map, by inside. Returns 0 or -ENOMEM. */
int idmap_print(const struct idmap *map, struct buf *lines);

#endif
