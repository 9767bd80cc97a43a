/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tar_split.h - an archive put together again from what was kept of it when it was unpacked
 *
 * containers/storage keeps, of each layer, the bytes of its archive that are not contents of files,
 * as lines of JSON (the format of vbatts/tar-split, tar/storage/entry.go):
 *
 *   {"type":2,"payload":"<base64>","position":0}           these bytes: headers and padding
 *   {"type":1,"name":"usr/bin/a","size":1000,
 *    "payload":"<base64>","position":1}                    the contents of that unpacked file
 *   {"type":1,"name_raw":"<base64>",...}                   the same, where it is not UTF-8
 *
 * Size is left out where there are no contents: directories, links. The payload of a file is a
 * CRC-64, which is not looked at: whoever reads the archive has its digest.
 */
#ifndef LAMINA_OCI_TAR_SPLIT_H
#define LAMINA_OCI_TAR_SPLIT_H

struct diag;     /* base/diag.h */
struct oci_file; /* oci/files.h */
struct reader;   /* base/reader.h */

/* Where the contents are. */
struct tar_split_files {
	/*
	 * Open the file that the archive calls name, which may begin with '/' or hold ".." and has
	 * to be confined. -ENOENT without a diag: there is none.
	 */
	int (*open)(void *context, const char *name, struct oci_file *ret, struct diag *why);
	/* NULL: nothing to release. Called once. */
	void (*close)(void *context);
	void *context;
};

/*
 * A reader of the archive. lines are plain, that is, without gzip; they and files are taken in
 * every case. Owned by one thread.
 *
 * Reading gives, beside what lines and files say:
 *   -EUCLEAN  a line that is none of the above; a file that is missing, or shorter than it says
 *   -E2BIG    a line of more than TAR_SPLIT_LINE_SIZE_MAX
 */
int tar_split_reader(struct reader *lines, const struct tar_split_files *files, struct reader *ret,
		     struct diag *why);

#endif
