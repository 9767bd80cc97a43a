/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * images.h - the images of a repository and the names that keep them
 *
 * images/<digest> is a link to the object of an image; images/refs/<name> is a link to that
 * (composefs-repository.md, 2.1 and 2.4). Names are relative paths of 1 to 255 bytes a component,
 * without ".", ".." and empty components.
 */
#ifndef LAMINA_STORE_IMAGES_H
#define LAMINA_STORE_IMAGES_H

#include "base/digest.h"

struct diag;        /* base/diag.h */
struct store;       /* store/store.h */
struct transaction; /* store/objects.h */

/* Whether a name can be one: 0, or -EINVAL with the reason. */
int image_name_check(const char *name, struct diag *why);

/*
 * Commit the transaction that holds the image object (and the objects it needs), then link it under
 * its digest and, when name is not NULL, under that name, replacing what the name was. Durable on
 * return. The transaction is taken in every case.
 */
int image_publish(struct store *store, struct transaction *transaction, const struct digest *image,
		  const char *name, struct diag *why);

/*
 * Open an image by what a user typed: a digest in hex (with or without "sha256:"), a name below
 * images/refs/, or a path with a slash below images/. Secure stores measure it: -EBADMSG when the
 * digest differs. Returns an fd the caller owns, or -ENOENT.
 */
int image_resolve(const struct store *store, const char *text, struct digest *ret,
		  struct diag *why);

/* Called for each name, in byte order. A return other than 0 ends the listing and is its result. */
typedef int image_visit(void *context, const char *name, const struct digest *image,
			struct diag *why);
int image_list(const struct store *store, image_visit *visit, void *context, struct diag *why);

#endif
