/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * store_private.h - what the files of this room share
 */
#ifndef LAMINA_STORE_STORE_PRIVATE_H
#define LAMINA_STORE_STORE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/* Immutable after open. */
struct store {
	int dir_fd;     /* owned; holds the lock */
	int objects_fd; /* owned */
	struct store_config config;
	bool is_writable;
};

/*
 * Read meta.json of dir_fd into *ret_config and *ret_is_writable. -ENOENT without a diag when there
 * is none.
 */
int meta_load(int dir_fd, struct store_config *ret_config, bool *ret_is_writable, struct diag *why);

/* objects/, unless it is there. Readable whatever the umask: see mode_settle() in transaction.c. */
int objects_make(int dir_fd);

/*
 * Whether an object is there and as it should be, by its inode: a regular file of size_bytes, with
 * fs-verity in a secure store. transaction.c says why that is enough.
 */
bool object_is_trusted(const struct store *store, const struct digest *name, uint64_t size_bytes);

#endif
