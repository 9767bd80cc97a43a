/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * files_out.h - where the files of an exported image go: below a directory, or into a tar archive
 *
 * A file appears complete or not at all, an archive as a whole when it is finished. Guarded by its
 * own lock: several threads may put files, one at a time into an archive.
 */
#ifndef LAMINA_OPS_FILES_OUT_H
#define LAMINA_OPS_FILES_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct buf;            /* base/buf.h */
struct diag;           /* base/diag.h */
struct oci_descriptor; /* oci/descriptor.h */
struct reader;         /* base/reader.h */
struct files_out;

/* The directory is made when missing; what is in it stays. */
int files_out_directory(const char *path, struct files_out **ret, struct diag *why);

/* A tar archive; "-" is standard output. */
int files_out_archive(const char *path, struct files_out **ret, struct diag *why);

/* Whether a file of that size is there: 1, or 0. */
int files_out_has(struct files_out *out, const char *path, uint64_t size_bytes);

/*
 * Put the bytes of a reader, which stays the caller's. -EBADMSG when they have another size or
 * digest than content says, and then there is no such file; an archive is spoilt.
 */
int files_out_put(struct files_out *out, const char *path, const struct oci_descriptor *content,
		  const struct reader *bytes, struct diag *why);

/* The same of bytes in memory, in place of a file that is there. */
int files_out_put_span(struct files_out *out, const char *path, struct span bytes,
		       struct diag *why);

/* Append what a file of the directory holds. -ENOENT, without a diag: none; always of an archive.
 */
int files_out_read(struct files_out *out, const char *path, size_t limit, struct buf *ret,
		   struct diag *why);

/* All that was put is on disk. For a directory before the file that makes the rest valid. */
int files_out_sync(struct files_out *out, struct diag *why);

/* The archive is complete and takes its place. */
int files_out_finish(struct files_out *out, struct diag *why);

void files_out_close(struct files_out *out); /* NULL is fine */

#endif
