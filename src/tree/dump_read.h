/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * dump_read.h - the composefs dump text as a tree
 *
 * Source: composefs-image.md, sections 11 and 11.1: one file a line, a directory before what is in
 * it, hard links resolved when the last line is read. What the reference accepts with a defined
 * result is accepted; its bugs are not reproduced. The text is hostile and never held as a whole:
 * memory is the tree plus one line of at most DUMP_LINE_SIZE_MAX.
 *
 * Failures say "line N: ..." and are:
 *   -EUCLEAN  malformed text
 *   -E2BIG    over a limit of base/limits.h
 *   -EFBIG    a file larger than the format can hold
 *   -ELOOP    hard links that lead to themselves
 *   -ENOMEM, and what reading the descriptor returned
 */
#ifndef LAMINA_TREE_DUMP_READ_H
#define LAMINA_TREE_DUMP_READ_H

#include <stdbool.h>

#include "base/span.h"

struct diag;   /* base/diag.h */
struct reader; /* base/reader.h */
struct tree;   /* tree/tree.h */

struct dump_options {
	/*
	 * CFS_PARSE_STRICT of the reference: also refuse RDEV other than 0 on what is no device, a
	 * symlink whose SIZE is not the length of its target or that has CONTENT, and a last line
	 * without newline.
	 */
	bool is_strict;
};

/* Read all that bytes gives; it is borrowed. options may be NULL. *ret is sorted. */
int dump_read(const struct reader *bytes, const struct dump_options *options, struct tree **ret,
	      struct diag *why);

/* The same for fd, a file or a pipe, from where it stands to its end. */
int dump_read_fd(int fd, const struct dump_options *options, struct tree **ret, struct diag *why);

/* The same for text that is in memory. */
int dump_read_span(struct span text, const struct dump_options *options, struct tree **ret,
		   struct diag *why);

#endif
