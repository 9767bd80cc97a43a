/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * blob_file.h - bytes that are kept while they are sent, because their size has to be known before,
 * and because they may have to be sent again
 *
 * The open functions are those of struct oci_transfer. Owned by one thread.
 */
#ifndef LAMINA_OPS_BLOB_FILE_H
#define LAMINA_OPS_BLOB_FILE_H

#include <stdint.h>

#include "base/digest.h"
#include "base/span.h"

struct diag;   /* base/diag.h */
struct reader; /* base/reader.h */

/* In a file without a name (fd_temporary()). */
struct blob_file {
	int fd;               /* owned */
	uint64_t size;        /* bytes */
	struct digest digest; /* SHA-256 */
};

#define BLOB_FILE_EMPTY ((struct blob_file){.fd = -1})

void blob_file_release(struct blob_file *file); /* BLOB_FILE_EMPTY is fine */

/* All that a reader has, which stays the caller's. *ret is to be released on success. */
int blob_file_fill(const struct reader *bytes, struct blob_file *ret, struct diag *why);

/* context is a struct blob_file, which may be released before the reader is. */
int blob_file_open(void *context, struct reader *ret, struct diag *why);

/* In memory that somebody else owns: {.bytes = ...} */
struct blob_memory {
	struct span bytes;
	struct span left; /* of the last reader */
};

/* context is a struct blob_memory, with one reader at a time. */
int blob_memory_open(void *context, struct reader *ret, struct diag *why);

#endif
