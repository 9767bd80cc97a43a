/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * archive.h - the files of an image in a tar archive
 *
 * Read where they lie; nothing is unpacked.
 */
#ifndef LAMINA_OCI_ARCHIVE_H
#define LAMINA_OCI_ARCHIVE_H

struct diag;      /* base/diag.h */
struct oci_files; /* oci/files.h */

/*
 * Open a tar archive. One that is compressed, or comes through a pipe, is first written to a file
 * without a name in $TMPDIR (/var/tmp).
 *
 *   -EUCLEAN, -E2BIG  as tar_index_read()
 */
int oci_archive_open(const char *path, struct oci_files **ret, struct diag *why);

#endif
