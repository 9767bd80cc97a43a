/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * layer.h - layers of OCI images, on their way into the store and out of it
 *
 * A layer is a tar archive, mostly compressed: the blob. It is kept as a splitstream of type
 * "ocilayer" (composefs-repository.md, 2.7): regular files of more than INLINE_SIZE_DEFAULT bytes
 * are objects, all else is inline, so the exact archive can be put together again. Of a sparse file
 * the body is kept so, and beside it the file with its holes filled (docs/decisions/0019).
 */
#ifndef LAMINA_OCI_LAYER_H
#define LAMINA_OCI_LAYER_H

#include <stdint.h>

#include "base/digest.h"
#include "oci/descriptor.h"

struct diag;        /* base/diag.h */
struct reader;      /* base/reader.h */
struct store;       /* store/store.h */
struct transaction; /* store/objects.h */
struct tree;        /* tree/tree.h */

/*
 * How far it is: bytes of the blob and of the archive so far. Called now and then on a thread of
 * the import. A negative return ends the import and is its result.
 */
typedef int layer_progress(void *context, uint64_t blob_bytes, uint64_t tar_bytes);

/* The named references of a layer's stream to its sparse files: this, and a number from 0. */
#define LAYER_SPARSE_PREFIX "sparse:"

struct layer_request {
	/* What was promised. No digest: nothing was, and the size does not count either. */
	struct oci_descriptor blob;
	struct digest diff_id;    /* of the archive; DIGEST_NONE: nobody knows */
	uint64_t tar_bytes_max;   /* 0: what a blob of this size may grow to, layer_bytes_max() */
	layer_progress *progress; /* may be NULL */
	void *context;
};

struct layer_result {
	struct digest stream_id;
	struct digest diff_id; /* of the algorithm asked for, SHA-256 where nobody asked */
	uint64_t blob_bytes;
	uint64_t tar_bytes;
	uint64_t entry_count; /* of the archive */
	uint64_t file_count;  /* of these, files that are objects */
};

/*
 * Bring a layer into the store, in one pass and without a temporary copy: several threads read and
 * hash the blob, inflate it, hash the archive, and make objects of what is in it. blob stays the
 * caller's; another thread uses it during the call.
 *
 * Unless the digest and the size of the blob and the diff_id are as requested, there is no stream:
 * what became objects until then is garbage. What the transaction has is durable with its commit.
 *
 *   -EBADMSG     the blob, or the archive, has another content or size than promised. Where the
 *                blob is to blame, this is the result whatever else went wrong.
 *   -EUCLEAN     the blob is as promised, and malformed; -E2BIG, -EOPNOTSUPP: see oci/inflate.h
 *                and oci/tar.h; -E2BIG also for more than LAYER_ENTRY_MAX entries, for a file
 *                that is larger than the archive may be, and where sparse files would become
 *                larger than that, or than SPARSE_SIZE_MAX
 *   -ENOSPC      as of transaction_check_room(), by the header of a file, or of the disk
 *   else         what blob, progress or the store said
 */
int layer_import(struct transaction *transaction, const struct reader *blob,
		 const struct layer_request *request, struct layer_result *ret, struct diag *why);

/* How large an archive may be whose blob has blob_bytes: LAYER_FREE_SIZE and LAYER_RATIO_MAX. */
uint64_t layer_bytes_max(uint64_t blob_bytes);

/*
 * Put the entries of a stored layer onto tree, as the next layer, by the rules of tree/merge.h.
 *
 *   -ENOENT   no such stream, or an object of it is missing
 *   -EUCLEAN  not a layer, or one with entries that cannot be
 *   -EBADMSG, -EOPNOTSUPP, -E2BIG, -ENAMETOOLONG, -EINVAL, -ENOMEM
 */
int layer_apply(const struct store *store, const struct digest *stream_id, struct tree *tree,
		struct diag *why);

/*
 * Whether the files that a stored layer names beside the archive are what its sparse entries expand
 * to. Reads all of a layer that has any; that the archive is right is for others to say.
 *
 *   -EBADMSG  one is another file
 *   -EUCLEAN, -ENOENT, ...  as layer_apply()
 */
int layer_check(const struct store *store, const struct digest *stream_id, struct diag *why);

#endif
