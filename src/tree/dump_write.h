/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * dump_write.h - a tree as composefs dump text
 *
 * Source: composefs-image.md, section 11, last paragraph: depth first, children in byte order. The
 * line with an inode's facts is that of its primary name, the others are '@' lines that point
 * there; so the text, encoded again, gives the same image. What dump_read gives is written as it
 * was, apart from the spelling. Nothing is held but one buffer and one path.
 */
#ifndef LAMINA_TREE_DUMP_WRITE_H
#define LAMINA_TREE_DUMP_WRITE_H

#include "base/span.h"

struct diag; /* base/diag.h */
struct tree; /* tree/tree.h */

/* Takes the bytes of the text in order. Returns 0 or -errno, which ends the writing. */
typedef int dump_sink(void *context, struct span bytes, struct diag *why);

/* Write tree, which tree_sort() has sorted. Returns 0, -ENOMEM, or what sink returned. */
int dump_write(const struct tree *tree, dump_sink *sink, void *context, struct diag *why);

/* The same to a file descriptor. */
int dump_write_fd(const struct tree *tree, int fd, struct diag *why);

#endif
