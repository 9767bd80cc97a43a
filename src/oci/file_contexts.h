/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * file_contexts.h - which label a SELinux policy gives to a path
 *
 * selabel_file(5), as composefs-rs reads it (composefs-repository.md, 2.7): of the lines whose
 * pattern matches the whole path and whose type, if there is one, is the file's, the last counts.
 * The text is an image's, so anything. Owned by one thread.
 */
#ifndef LAMINA_OCI_FILE_CONTEXTS_H
#define LAMINA_OCI_FILE_CONTEXTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct diag; /* base/diag.h */

struct file_contexts;

int file_contexts_new(struct file_contexts **ret); /* 0 or -ENOMEM */
void file_contexts_free(struct file_contexts *contexts);
void file_contexts_freep(struct file_contexts **contexts);

/*
 * Add all lines "PATTERN [-TYPE] LABEL" of a text; comments and empty lines are none. Before the
 * first file_contexts_find().
 *
 *   -EUCLEAN     a line of another form, or a pattern that is none; why has its number
 *   -EOPNOTSUPP  a pattern with something in it that is not supported (oci/patterns.h)
 *   -E2BIG
 */
int file_contexts_add(struct file_contexts *contexts, struct span text, struct diag *why);

/*
 * Add all lines "PATH ORIGINAL": what is at PATH gets the labels of what is at ORIGINAL. Of two for
 * one path the latter counts. -EUCLEAN, -E2BIG.
 */
int file_contexts_add_aliases(struct file_contexts *contexts, struct span text, struct diag *why);

/* ORIGINAL of the line whose PATH is exactly that one; path itself where there is none. */
struct span file_contexts_alias(const struct file_contexts *contexts, struct span path);

/*
 * The label of a path; mode has the type. Returns 1, 0 where the policy has none or says <<none>>,
 * or -E2BIG, -ENOMEM as patterns_match(). *ret lives as long as contexts.
 */
int file_contexts_find(struct file_contexts *contexts, struct span path, uint32_t mode,
		       struct span *ret, struct diag *why);

/* As patterns_limit(). */
void file_contexts_limit(struct file_contexts *contexts, size_t cache_size, uint64_t work);

#endif
