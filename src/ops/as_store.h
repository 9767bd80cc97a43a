/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * as_store.h - images of the repository as podman has images: no copy, but mounts in a store
 *
 * docs/podman.md has what podman can do with them, and what not.
 */
#ifndef LAMINA_OPS_AS_STORE_H
#define LAMINA_OPS_AS_STORE_H

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

struct as_store_request {
	const char *repo;      /* NULL: the default */
	const char *directory; /* of the store; made if it is not there */
	const char *image;     /* a tag, or the digest of a manifest */
};

/*
 * Put an image that was pulled into the store, and mount it there, unless it is. Again after a
 * reboot: then only the mount is missing. *ret_name is what podman calls it; the caller owns it.
 *
 *   -ENOENT      no such image
 *   -EINVAL      an artifact; a name that podman cannot have
 *   -EOPNOTSUPP  an image whose config has another digest than SHA-256
 *   what storage_entry_put() and mount_image() return
 */
int as_store(const struct as_store_request *request, char **ret_name, struct diag *why);

#endif
