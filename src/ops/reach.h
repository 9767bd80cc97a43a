/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * reach.h - all that a set of streams and images needs
 *
 * A stream leads to its objects, and by its named references to further streams and to images; an
 * image to the objects of its files (composefs-repository.md, 2.9: more than composefs-rs, which
 * does not look into images that streams name). Owned by one thread.
 */
#ifndef LAMINA_OPS_REACH_H
#define LAMINA_OPS_REACH_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

struct diag;       /* base/diag.h */
struct digest_set; /* base/digest_set.h */
struct store;      /* store/store.h */
struct reach;

enum reach_kind {
	REACH_STREAM,
	REACH_IMAGE,
	REACH_EITHER, /* whatever its first bytes say; neither is fine, too */
};

int reach_new(const struct store *store, struct reach **ret);
void reach_free(struct reach *reach); /* NULL is fine */
void reach_freep(struct reach **reach);

/*
 * Add an object and all that it leads to. What is missing from the store is counted, and in the
 * set.
 *
 *   -EUCLEAN, -EBADMSG, -EOPNOTSUPP, -E2BIG  it, or something it leads to, is damaged or not what
 *                                            it should be: what it needs cannot be told
 */
int reach_add(struct reach *reach, const struct digest *id, enum reach_kind kind, struct diag *why);

/* The objects so far; borrowed. */
const struct digest_set *reach_objects(const struct reach *reach);

/* Streams and images that are needed and not there. Whether contents are, is not asked. */
uint64_t reach_missing_count(const struct reach *reach);

#endif
