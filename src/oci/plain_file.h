/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * plain_file.h - the bytes of a file that may be compressed
 */
#ifndef LAMINA_OCI_PLAIN_FILE_H
#define LAMINA_OCI_PLAIN_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct diag;     /* base/diag.h */
struct oci_file; /* oci/files.h */
struct reader;   /* base/reader.h */

/* Whether the file begins as gzip or zstd does. */
bool oci_file_is_compressed(const struct oci_file *file);

/*
 * The plain bytes of a file, at most limit_bytes; errors as of inflate_open(). A file that is not
 * compressed gives its bytes. The file is taken in every case.
 */
int oci_file_plain_reader(struct oci_file *file, uint64_t limit_bytes, struct reader *ret,
			  struct diag *why);

/* The same of bytes that come in order; source is taken in every case. */
int plain_reader(struct reader *source, uint64_t limit_bytes, struct reader *ret, struct diag *why);

/* Read size bytes that nobody wants, or as many as there are. The reader is closed on failure. */
int reader_skip(struct reader *reader, uint64_t size, struct diag *why);

#endif
