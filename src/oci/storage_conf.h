/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * storage_conf.h - where podman, buildah and skopeo keep their images on this machine
 *
 * containers-storage.conf(5), as far as it says where images are, and containers-transports(5),
 * "containers-storage". A store is a directory; the first is the user's own, the others are looked
 * into after it.
 */
#ifndef LAMINA_OCI_STORAGE_CONF_H
#define LAMINA_OCI_STORAGE_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct diag; /* base/diag.h */

/* What a file says; {0} is one that says nothing. All strings are owned, NULL: it does not say. */
struct storage_conf {
	char *driver;
	char *graph_root;
	char *image_store;   /* where new images go, beside the graph root */
	char *rootless_root; /* graph root of users who are not root */
	char **additional;   /* owned, as are its strings; read-only stores */
	size_t additional_count;
};

void storage_conf_release(struct storage_conf *conf);

/*
 * Read the text of a storage.conf.
 *
 *   -EUCLEAN  malformed
 *   -E2BIG    more than STORAGE_ROOT_MAX stores
 */
int storage_conf_parse(struct span text, struct storage_conf *ret, struct diag *why);

/* The stores to look into, in this order. Release what storage_stores_find() filled in. */
struct storage_stores {
	char **paths; /* owned, as are its strings */
	size_t count;
	char *driver;       /* owned; NULL: whichever is there */
	bool driver_is_set; /* by the reference: no other will do */
};

void storage_stores_release(struct storage_stores *stores);

/*
 * The stores that are meant by what stands in the brackets of a reference,
 * "[driver@]root[+runroot][:options]", or NULL: those of storage.conf, or else the defaults.
 *
 *   -EINVAL   brackets that name no directory; no store is configured, and there is no $HOME
 *   -ENOENT   $CONTAINERS_STORAGE_CONF names no file
 *   what storage_conf_parse() says
 */
int storage_stores_find(const char *store, struct storage_stores *ret, struct diag *why);

#endif
