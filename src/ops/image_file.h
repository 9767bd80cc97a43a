/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * image_file.h - small files of an image in the repository that is not mounted
 */
#ifndef LAMINA_OPS_IMAGE_FILE_H
#define LAMINA_OPS_IMAGE_FILE_H

#include <stddef.h>

struct buf;    /* base/buf.h */
struct diag;   /* base/diag.h */
struct source; /* ops/source.h */

/*
 * Append the content of the regular file at path, such as "etc/passwd"; links are not followed. The
 * source is mapped.
 *
 *   -ENOENT   no such file, or its object is missing
 *   -EINVAL   something else than a regular file
 *   -E2BIG    above limit bytes
 *   -EUCLEAN  a malformed image
 */
int image_file_read(const struct source *source, const char *path, size_t limit, struct buf *ret,
		    struct diag *why);

#endif
