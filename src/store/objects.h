/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * objects.h - files named by the fs-verity digest of their content
 *
 * An object appears complete or not at all (O_TMPFILE, linkat) and is immutable from then on. Two
 * writers of the same digest both succeed. What a transaction added survives power loss once
 * transaction_commit() has returned: durability is one syncfs, not one fsync an object. Several
 * threads may add to one transaction, each with its own hasher.
 */
#ifndef LAMINA_STORE_OBJECTS_H
#define LAMINA_STORE_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/span.h"

struct diag;          /* base/diag.h */
struct store;         /* store/store.h */
struct verity_hasher; /* verity/hasher.h */

/*
 * Open an object for reading. Returns an fd the caller owns, or:
 *   -ENOENT   no such object
 *   -EBADMSG  secure store, and the kernel's digest differs from the name; the object is left in
 * place
 */
int object_open(const struct store *store, const struct digest *name, struct diag *why);

/*
 * Whether there is an object of that name, a regular file. Returns 0, -ENOENT when there surely is
 * none, or another -errno when that cannot be told: a disk that fails is no reason to take away
 * what leads to the object. Says nothing of its content.
 */
int object_find(const struct store *store, const struct digest *name, struct diag *why);

/* object_find() for those to whom "cannot be told" is the same as "no". */
bool object_exists(const struct store *store, const struct digest *name);

/* Bytes of an object, from its inode. -ENOENT, or -EUCLEAN for what is no regular file. */
int object_size(const struct store *store, const struct digest *name, uint64_t *ret,
		struct diag *why);

/*
 * Call visit for each object, by first byte of the name and else in no order. A return other than 0
 * ends the walk and is its result. Files whose names are no digests are passed over.
 */
typedef int object_visit(void *context, const struct digest *name, struct diag *why);
int store_each_object(const struct store *store, object_visit *visit, void *context,
		      struct diag *why);

/*
 * The same for every file that is not a directory in objects/ and objects/XX, whatever its name:
 * path is relative to objects/, name is NULL when the path is not an object's.
 */
typedef int object_file_visit(void *context, const char *path, const struct digest *name,
			      struct diag *why);
int store_each_object_file(const struct store *store, object_file_visit *visit, void *context,
			   struct diag *why);

struct transaction;

/* -EROFS when the store is not writable (unknown read-only-compatible feature). */
int transaction_begin(struct store *store, struct transaction **ret, struct diag *why);

/* Make all that was added durable, then end. taken in every case. */
int transaction_commit(struct transaction *transaction, struct diag *why);

/* The same, and go on: for links to what was added so far while more is being added. */
int transaction_sync(struct transaction *transaction, struct diag *why);

/* End without the syncfs: objects that were linked stay, as garbage, complete each. NULL is fine.
 */
void transaction_abort(struct transaction *transaction);
void transaction_abortp(struct transaction **transaction);

struct object_stats {
	uint64_t added_count;
	uint64_t added_bytes;
	uint64_t present_count;   /* adds that found the object there */
	uint64_t reflinked_count; /* of the added ones */
};

/* What this transaction did so far. */
struct object_stats transaction_stats(struct transaction *transaction);

/*
 * Store the content of a regular file, read from offset 0: reflink, then copy_file_range, then
 * copy. The digest is that of the bytes in the store, hashed from the copy when they could have
 * changed meanwhile. size_bytes is what the caller's stat said: -ESTALE when the file turns out to
 * have another size.
 */
int object_add_file(struct transaction *transaction, struct verity_hasher *hasher, int fd,
		    uint64_t size_bytes, struct digest *ret, struct diag *why);

/*
 * Whether the file system of the store can take an object of size_bytes, as far as that can be told
 * before it is written: an object that is there already needs the room, too, until its digest is
 * known. Whoever passes may still run out of it.
 *
 *   -ENOSPC  more than is free, what is kept for root included
 */
int transaction_check_room(struct transaction *transaction, uint64_t size_bytes, struct diag *why);

/* Stream an object in: new, any number of writes, finish. Abort or finish takes the writer. */
struct object_writer;
int object_writer_new(struct transaction *transaction, struct object_writer **ret,
		      struct diag *why);
int object_writer_write(struct object_writer *writer, struct span bytes, struct diag *why);
/* The same of so many zeros; in a large object they take no place on disk. */
int object_writer_zeros(struct object_writer *writer, uint64_t size_bytes, struct diag *why);
int object_writer_finish(struct object_writer *writer, struct digest *ret, struct diag *why);
void object_writer_abort(struct object_writer *writer); /* NULL is fine */
void object_writer_abortp(struct object_writer **writer);

#endif
