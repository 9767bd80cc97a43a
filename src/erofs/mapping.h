/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mapping.h - the bytes of an image file in memory, safe against whoever else holds the file
 *
 * A file is mapped as it is only when nobody else can change it: sealed memfd, fs-verity, or owned
 * by us or root and not writable by group or others. Anything else, up to IMAGE_COPY_MAX bytes, is
 * copied into a sealed memfd first. A truncation of a mapped file, or a failing disk below it,
 * would be SIGBUS: the guard puts a page of zeros there instead and marks the mapping damaged, so
 * that the reader sees malformed bytes and the server answers EIO.
 *
 * Immutable after open, except for the damage. Close it when no thread reads the bytes any more.
 */
#ifndef LAMINA_EROFS_MAPPING_H
#define LAMINA_EROFS_MAPPING_H

#include <stdbool.h>

#include "base/span.h"

struct diag; /* base/diag.h */
struct mapping;

/*
 * Map a regular file of 1 to IMAGE_SIZE_MAX bytes; fd may be closed afterwards.
 * Returns 0, -EINVAL for no regular file, -EUCLEAN for an empty one, -E2BIG, or -errno. Installs
 * the process' SIGBUS handler with the first mapping; faults that are not in a mapping go to the
 * handler that was there.
 */
int mapping_open(int fd, struct mapping **ret, struct diag *why);
void mapping_close(struct mapping *mapping); /* NULL is fine */
void mapping_closep(struct mapping **mapping);

struct span mapping_bytes(const struct mapping *mapping);

/* Whether a page could not be read since it was opened. Asked by any thread. */
bool mapping_is_damaged(const struct mapping *mapping);

#endif
