/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * layer_private.h - an entry of an archive as one of a tree; files with holes
 */
#ifndef LAMINA_OCI_LAYER_PRIVATE_H
#define LAMINA_OCI_LAYER_PRIVATE_H

#include <stdint.h>

#include "base/span.h"

struct diag;               /* base/diag.h */
struct digest;             /* base/digest.h */
struct pieces;             /* base/pieces.h */
struct splitstream;        /* store/splitstream.h */
struct splitstream_writer; /* store/splitstream.h */
struct store;              /* store/store.h */
struct tar;                /* oci/tar.h */
struct tar_entry;          /* oci/tar.h */
struct transaction;        /* store/objects.h */
struct tree;               /* tree/tree.h */

/*
 * merge_add() of an entry whose body is content, or the object unless that is DIGEST_NONE. -EUCLEAN
 * also for device numbers that Linux has not.
 */
int layer_entry_merge(struct tree *tree, const struct tar_entry *entry, struct span content,
		      const struct digest *object, struct diag *why);

/* Whether the object has size_bytes. -EUCLEAN, or what the store says. */
int layer_object_check(const struct store *store, const struct digest *object, uint64_t size_bytes,
		       struct diag *why);

/*
 * Before the body of an entry is read: whether an archive of at most archive_bytes_max can have it,
 * and the disk has room for it (transaction NULL: it is not stored).
 *
 *   -E2BIG, or -ENOSPC as of transaction_check_room()
 */
int layer_body_check(const struct tar_entry *entry, uint64_t archive_bytes_max,
		     struct transaction *transaction, struct diag *why);

/* The sparse files of one layer so far. */
struct layer_sparse {
	uint64_t bytes_max; /* that they may have with their holes */
	uint64_t bytes_left;
	uint64_t count; /* of those that are objects */
};

/* What an archive has become so far. Owned by one thread. */
struct layer_unpack {
	struct transaction *transaction;   /* borrowed */
	struct splitstream_writer *stream; /* owned */
	uint64_t archive_bytes_max;
	struct layer_sparse sparse;
	uint64_t entry_count;
	uint64_t file_count; /* of those that are objects */
};

/*
 * Begin, with transaction set and all else {0}; the archive may have archive_bytes_max bytes,
 * UINT64_MAX: any number. stream is to be aborted or finished, whatever becomes of it.
 */
int layer_unpack_open(struct layer_unpack *unpack, uint64_t archive_bytes_max, struct diag *why);

/* Take all of an archive. -E2BIG beyond LAYER_ENTRY_MAX; as tar.h, layer_sparse_put(), the store.
 */
int layer_unpack(struct layer_unpack *unpack, const struct pieces *plain, struct diag *why);

/*
 * Bring the body of a sparse entry into the stream, and the file into the store. The body has been
 * read then. -E2BIG beyond bytes_max or LAYER_SPARSE_MAX, or what the store says.
 */
int layer_sparse_put(struct layer_sparse *sparse, struct transaction *transaction,
		     struct splitstream_writer *stream, struct tar *tar,
		     const struct tar_entry *entry, struct diag *why);

/* The object of a sparse file of more than INLINE_SIZE_DEFAULT bytes, by number. -EUCLEAN. */
int layer_sparse_find(const struct splitstream *stream, uint64_t index, struct digest *ret,
		      struct diag *why);

#endif
