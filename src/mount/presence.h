/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * presence.h - whether a mount is still there, known by its ids
 */
#ifndef LAMINA_MOUNT_PRESENCE_H
#define LAMINA_MOUNT_PRESENCE_H

#include <stdint.h>

struct diag; /* base/diag.h */

struct mount_ids {
	uint32_t id;        /* as in mountinfo: used again for a later mount */
	uint64_t unique_id; /* STATX_MNT_ID_UNIQUE (Linux 6.8): never used again; 0: not known */
};

/* Of the mount that fd (O_PATH is enough) lies on, attached or not. */
int mount_ids_of(int fd, struct mount_ids *ret, struct diag *why);

enum presence {
	PRESENCE_NO,
	PRESENCE_YES, /* it, or where the kernel has no unique ids, another one of ours */
	PRESENCE_UNKNOWN,
};

/* In this mount namespace. */
enum presence mount_presence(const struct mount_ids *ids);

/* In that of another process, by what it shows of its mountinfo. */
enum presence mount_presence_for(const char *process, const struct mount_ids *ids);

#endif
