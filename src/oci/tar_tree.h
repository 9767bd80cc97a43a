/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tar_tree.h - an archive that is no layer of anything, as a tree
 *
 * A root file system that somebody packed. Its entries mean what they mean in a layer without
 * others below it (tree/merge.h), so the same archive gives the same tree, pulled or imported, but
 * for what transform_for_oci() changes. The archive itself is not kept.
 */
#ifndef LAMINA_OCI_TAR_TREE_H
#define LAMINA_OCI_TAR_TREE_H

#include <stdint.h>

#include "base/digest.h"

struct diag;        /* base/diag.h */
struct reader;      /* base/reader.h */
struct transaction; /* store/objects.h */
struct tree;        /* tree/tree.h */

struct tar_tree_request {
	enum digest_algorithm algorithm; /* that of the store */
	/* Contents of more than INLINE_SIZE_DEFAULT bytes go into its store; NULL: they are only
	 * hashed. */
	struct transaction *transaction;
	/* Of the archive once it is inflated, and, up to SPARSE_SIZE_MAX, of all files with holes.
	 */
	uint64_t bytes_max;
	/* May be NULL. After each content; what it returns other than 0 ends the reading. */
	int (*progress)(void *context, uint64_t file_count, uint64_t file_bytes);
	void *context;
};

/*
 * Read an archive, compressed or not (oci/inflate.h), to its end; bytes is borrowed. *ret is
 * settled and sorted.
 *
 *   -EUCLEAN, -EOPNOTSUPP, -E2BIG  as inflate_open(), tar_next() and merge_add() say
 *   else                           what bytes, progress or the store said
 */
int tar_tree_read(const struct reader *bytes, const struct tar_tree_request *request,
		  struct tree **ret, struct diag *why);

#endif
