/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * files.h - the files that an image lies in on this machine: below a directory, or in a tar archive
 *
 * Either way a file is a range of bytes of something that is open. Whoever made them is not
 * trusted: a path never leaves the directory or the archive, and nothing but a regular file is
 * opened. Immutable after open; several threads may use one.
 */
#ifndef LAMINA_OCI_FILES_H
#define LAMINA_OCI_FILES_H

#include <stddef.h>
#include <stdint.h>

struct buf;    /* base/buf.h */
struct diag;   /* base/diag.h */
struct reader; /* base/reader.h */

struct oci_file {
	int fd; /* owned */
	uint64_t offset;
	uint64_t size; /* bytes */
};

#define OCI_FILE_NONE ((struct oci_file){.fd = -1})

void oci_file_release(struct oci_file *file); /* closes it, leaves OCI_FILE_NONE */

struct oci_files; /* begins with struct oci_files_base in each implementation */

struct oci_files_base {
	/* Not called with paths that begin with '/', or hold "." or "..". */
	int (*find)(struct oci_files *files, const char *path, struct oci_file *ret,
		    struct diag *why);
	void (*close)(struct oci_files *files);
};

/*
 * Those below a directory; symbolic links are not followed anywhere below it.
 *
 *   -ENOENT, -ENOTDIR, -EACCES ...  as openat(2) says
 */
int oci_directory_open(const char *path, struct oci_files **ret, struct diag *why);

/* Those in a tar archive: see oci/archive.h. */

void oci_files_close(struct oci_files *files); /* NULL is fine */
void oci_files_closep(struct oci_files **files);

/*
 * Find a file by its path relative to the top.
 *
 *   -ENOENT   without a diag: there is none
 *   -EUCLEAN  the path is none that stays below the top; not a regular file
 */
int oci_files_find(struct oci_files *files, const char *path, struct oci_file *ret,
		   struct diag *why);

/* Append all of a file. -ENOENT without a diag; -E2BIG above limit bytes, messages name the path.
 */
int oci_files_read(struct oci_files *files, const char *path, size_t limit, struct buf *ret,
		   struct diag *why);

/*
 * The bytes of a file from offset on; none where it is shorter. The file is taken in every case.
 * Reading gives -EUCLEAN where the file has become shorter.
 */
int oci_file_reader(struct oci_file *file, uint64_t offset, struct reader *ret, struct diag *why);

#endif
