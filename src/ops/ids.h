/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * ids.h - the id map that a user asks for
 *
 * Inside are the ids that the image, or a layer, has stored; outside those that the caller's user
 * namespace sees. A container whose user namespace has the same map sees what is stored.
 */
#ifndef LAMINA_OPS_IDS_H
#define LAMINA_OPS_IDS_H

#include <stdbool.h>

#include "base/idmap.h"
#include "ops/id_shorthand.h"

struct diag; /* base/diag.h */

/* At most one of the ways; none: as stored. */
struct ids_request {
	const char *const *uids; /* "INSIDE:OUTSIDE:COUNT[,...]", NULL behind the last; or NULL */
	const char *const *gids; /* where only one of them is given, it counts for both */
	const char *userns;      /* as of userns_read_maps(); or NULL */
	enum id_shorthand map;
};

/* Immutable after ids_resolve(). */
struct ids {
	bool is_mapped; /* else nothing was asked for, or it comes to the identity */
	int userns_fd;  /* owned; of userns; -1: none was named */
	struct idmaps maps;
};

#define IDS_NONE ((struct ids){.userns_fd = -1})

bool ids_are_asked_for(const struct ids_request *request);

/* Returns 0, -EINVAL for ways that exclude each other, or what their parsers return. */
int ids_resolve(const struct ids_request *request, struct ids *ret, struct diag *why);
void ids_release(struct ids *ids);

/*
 * What a FUSE server shall apply: the map, as far as its ids exist in this user namespace.
 * *ret_needed is false where that is nothing.
 */
int ids_for_server(const struct ids *ids, struct idmaps *ret, bool *ret_needed, struct diag *why);

/*
 * A user namespace with the map, for idmapped mounts: the one that was named, or a new one. Returns
 * a descriptor that the caller owns.
 */
int ids_userns(const struct ids *ids, struct diag *why);

#endif
