/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * transaction_private.h - what the ways of adding an object share
 */
#ifndef LAMINA_STORE_TRANSACTION_PRIVATE_H
#define LAMINA_STORE_TRANSACTION_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/direct_private.h"
#include "store/draft_private.h"
#include "store/objects.h"

/*
 * Up to this size an object is hashed in memory first, and nothing is written when it is there
 * already; above, it is written while it is hashed. Also the size of one write.
 */
#define WHOLE_SIZE_MAX ((size_t)1024 * 1024)

/* Space for one thread that adds. One byte more than the largest whole object shows that a file
 * grew. */
struct scratch {
	struct scratch *next;
	struct verity_hasher *hasher; /* owned; NULL until somebody needed one */
	_Alignas(DIRECT_ALIGN) uint8_t bytes[WHOLE_SIZE_MAX + 1];
};

/* Space, and in the second form a hasher, to give back; NULL when out of memory or without
 * libcrypto. */
struct scratch *scratch_take(struct transaction *transaction);
struct scratch *scratch_take_hasher(struct transaction *transaction, struct diag *why);
void scratch_give(struct transaction *transaction, struct scratch *scratch);

struct store *transaction_store(struct transaction *transaction);

/* A file that will be an object: world readable whatever the umask. */
int object_draft_open(struct transaction *transaction, struct draft *ret, struct diag *why);

/* True, and counted, when there is nothing to add. */
bool transaction_has(struct transaction *transaction, const struct digest *name,
		     uint64_t size_bytes);

/*
 * Make the draft, complete, hashed and of size_bytes, the object of that name. That another writer
 * was faster is fine.
 */
int transaction_link(struct transaction *transaction, struct draft *draft,
		     const struct digest *name, uint64_t size_bytes, struct diag *why);

/* The same for a whole object in memory. */
int transaction_add(struct transaction *transaction, const struct digest *name, struct span bytes,
		    struct diag *why);

/* Whether a reflink is worth a try for a file of this size, and how the try went. */
bool transaction_may_reflink(struct transaction *transaction, uint64_t size_bytes);
void transaction_reflinked(struct transaction *transaction, bool it_worked);

#endif
