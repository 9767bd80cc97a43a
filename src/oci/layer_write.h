/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * layer_write.h - a file tree as a layer
 *
 * The tree is a set of changes as overlayfs has them: a whiteout (inode_is_whiteout()) says that
 * the layers below have no such name any more, a directory whose index is LAYER_OPAQUE that nothing
 * of them is in it. In the archive these are the files ".wh.NAME" and ".wh..wh..opq" (OCI image
 * specification 1.1, layer.md, "Whiteouts"), each before all else in its directory, so that who
 * applies entries one by one gets it right, too. Directories come before what is in them, names in
 * byte order; the root has no entry.
 */
#ifndef LAMINA_OCI_LAYER_WRITE_H
#define LAMINA_OCI_LAYER_WRITE_H

#include <stdint.h>

#include "base/digest.h"

struct diag;        /* base/diag.h */
struct store;       /* store/store.h */
struct transaction; /* store/objects.h */
struct tree;        /* tree/tree.h */

#define LAYER_OPAQUE 1 /* index of a directory; of all others 0 */

struct layer_written {
	struct digest stream_id; /* as layer_import() of the same archive would have it */
	struct digest diff_id;   /* SHA-256 of the archive */
	uint64_t tar_bytes;
	uint64_t entry_count;
};

/*
 * Write tree, which is sorted by this, as a stream of the transaction. Contents are objects of
 * store, the transaction's, already; what the tree has itself becomes one where it is larger than
 * INLINE_SIZE_DEFAULT. The indexes of inodes that are no directories, and which of an inode's names
 * is the primary, change.
 *
 *   -EINVAL        a name that begins with ".wh.", which would hide something; a file without a
 *                  digest; what tar_write_entry() says
 *   -ENAMETOOLONG  a whiteout whose name would not fit into a directory
 *   -EUCLEAN       an object of another size than the tree says
 *   -EOPNOTSUPP    a socket
 *   -E2BIG         more than LAYER_ENTRY_MAX entries
 *   -ENOENT        an object is missing
 */
int layer_write(struct transaction *transaction, const struct store *store, struct tree *tree,
		struct layer_written *ret, struct diag *why);

#endif
