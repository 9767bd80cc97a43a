/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * backing.h - which open files the kernel reads by itself (FUSE passthrough, Linux 6.9)
 *
 * The kernel wants all openings of an inode to be of one kind, with one backing file. So an inode
 * that is open has an entry here, which says which: the id of the file that it was given, or that
 * it gets READ requests. The entry goes, and the id is given back, with the last RELEASE.
 */
#ifndef LAMINA_FUSE_BACKING_H
#define LAMINA_FUSE_BACKING_H

#include <stdint.h>

struct backings;

/* Different inodes open at a time. A hash of this many costs some megabytes; more is ENFILE. */
#define BACKINGS_MAX (1u << 17)

#define BACKING_NONE 0 /* read by READ */

/* fuse_fd, of which the ids are, stays the caller's. */
int backings_new(int fuse_fd, struct backings **ret);
void backings_free(struct backings *backings); /* gives all ids back; NULL is fine */

/*
 * Count an opening of nodeid. When it is the first, open_file() is asked for a descriptor, which is
 * taken, or -1 for a file that has none, or a negative errno below that, which is returned. Returns
 * 0 and the id or BACKING_NONE.
 */
int backings_open(struct backings *backings, uint64_t nodeid,
		  int (*open_file)(void *context, uint64_t nodeid, int *ret_fd), void *context,
		  int32_t *ret_id);

/* One opening less. */
void backings_release(struct backings *backings, uint64_t nodeid);

#endif
