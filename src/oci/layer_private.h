/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * layer_private.h - an entry of an archive as one of a tree
 */
#ifndef LAMINA_OCI_LAYER_PRIVATE_H
#define LAMINA_OCI_LAYER_PRIVATE_H

#include "base/span.h"

struct diag;      /* base/diag.h */
struct digest;    /* base/digest.h */
struct tar_entry; /* oci/tar.h */
struct tree;      /* tree/tree.h */

/*
 * merge_add() of an entry whose body is content, or the object unless that is DIGEST_NONE. -EUCLEAN
 * also for device numbers that Linux has not.
 */
int layer_entry_merge(struct tree *tree, const struct tar_entry *entry, struct span content,
		      const struct digest *object, struct diag *why);

#endif
