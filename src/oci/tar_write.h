/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tar_write.h - a tar archive, an entry at a time
 *
 * ustar, and a pax header in front of what has no place there: long names, large numbers, parts of
 * seconds, extended attributes (POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange
 * Format"). The bytes depend on nothing but the entries, and oci/tar.h reads them back as they were
 * given. Names are bytes; a long one that is not UTF-8 says so (hdrcharset=BINARY). Owned by one
 * thread.
 */
#ifndef LAMINA_OCI_TAR_WRITE_H
#define LAMINA_OCI_TAR_WRITE_H

#include <stdint.h>

#include "oci/tar.h"

struct tar_writer;

/* The bytes of the archive go to sink in order. Returns 0 or -ENOMEM. */
int tar_writer_new(tar_sink *sink, void *context, struct tar_writer **ret);
void tar_writer_free(struct tar_writer *writer); /* NULL is fine */
void tar_writer_freep(struct tar_writer **writer);

/*
 * The headers of an entry, once the body of the one before it is whole. Where the type has none,
 * size, target and device numbers are 0 or empty. A name goes there as it is: that of a directory
 * ends in a slash.
 *
 *   -EINVAL  what no archive can hold: a name with NUL, an xattr with '=' in its key, a device
 *            number of more than 21 bits, a time or a size of 2^63 and more
 *   -E2BIG   a pax header of more than TAR_EXTENSION_SIZE_MAX
 *   else     what sink said
 */
int tar_write_entry(struct tar_writer *writer, const struct tar_entry *entry, struct diag *why);

/* Bytes of the body, of which there are exactly as many as the entry said. */
int tar_write_body(struct tar_writer *writer, struct span bytes, struct diag *why);

/* The whole body lies elsewhere: it is counted, and sink does not get it. */
void tar_write_body_elsewhere(struct tar_writer *writer);

/* The two blocks behind the last entry. */
int tar_write_end(struct tar_writer *writer, struct diag *why);

/* Bytes of the archive so far, bodies that lie elsewhere included. */
uint64_t tar_write_offset(const struct tar_writer *writer);

#endif
