/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * diff.h - what is different between two images
 *
 * As they are mounted: what no layer can bring in (docs/decisions/0014) is not seen. Both are
 * loaded whole first, so that a malformed one gives an error and no half answer; memory is bounded
 * by their metadata, no content is read.
 */
#ifndef LAMINA_OPS_DIFF_H
#define LAMINA_OPS_DIFF_H

#include "tree/compare.h"

struct diff;

/* Open two images as of ops/source.h. Errors as of source_open(), source_map() and image_load(). */
int diff_open(const char *a, const char *b, const char *repo, struct diff **ret, struct diag *why);
void diff_free(struct diff *diff); /* NULL is fine */
void diff_freep(struct diff **diff);

/* As tree_compare(). */
int diff_each(const struct diff *diff, difference_visit *visit, void *context, struct diag *why);

/*
 * Write what b has that is new or changed, with the directories above it, as a composefs dump to
 * fd. What is gone has no line in it. Nothing else may be done with diff afterwards.
 */
int diff_dump(struct diff *diff, int fd, struct diag *why);

#endif
