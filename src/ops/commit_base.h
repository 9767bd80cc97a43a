/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * commit_base.h - the image that a commit builds upon
 */
#ifndef LAMINA_OPS_COMMIT_BASE_H
#define LAMINA_OPS_COMMIT_BASE_H

#include <stdbool.h>

struct diag;      /* base/diag.h */
struct oci_image; /* oci/image.h */
struct store;     /* store/store.h */
struct tree;      /* tree/tree.h */

struct commit_base {
	struct oci_image *image; /* owned; NULL: none, or one that was imported */
	struct tree *tree;       /* owned; as it is mounted; NULL: there is no base */
};

void commit_base_release(struct commit_base *base);

/* Find text (NULL: nothing) in the repository and load it. -ENOENT: no such image. */
int commit_base_open(const struct store *store, const char *text, struct commit_base *ret,
		     struct diag *why);

/* Whether the compressed layers of the base are kept, so that those of the new image can be. */
bool commit_base_keeps_blobs(const struct commit_base *base);

#endif
