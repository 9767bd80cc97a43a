/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazy_files.h - the contents of a lazily pulled image that are here: files/xx/yyyy...
 */
#ifndef LAMINA_OPS_LAZY_FILES_H
#define LAMINA_OPS_LAZY_FILES_H

struct diag;       /* base/diag.h */
struct digest;     /* base/digest.h */
struct lazy_image; /* ops/lazy.h */

/* Called for each; a return other than 0 ends the walk and is its result. */
typedef int lazy_file_visit(void *context, int dir_fd, const char *name,
			    const struct digest *contents, struct diag *why);
int lazy_files_each(const struct lazy_image *image, lazy_file_visit *visit, void *context,
		    struct diag *why);

/* Whether a file has that SHA-256: 0, -EBADMSG, or what reading it gave. */
int lazy_file_check(int fd, const struct digest *expected, struct diag *why);

#endif
