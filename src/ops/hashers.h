/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * hashers.h - verity hashers that several threads borrow
 *
 * A hasher costs some allocations, a file of a hundred bytes does not: a job takes one that another
 * job gave back. Guarded by its own lock.
 */
#ifndef LAMINA_OPS_HASHERS_H
#define LAMINA_OPS_HASHERS_H

#include <pthread.h>
#include <stddef.h>

#include "base/digest.h"

struct diag;          /* base/diag.h */
struct verity_hasher; /* verity/hasher.h */

#define HASHERS_MAX 256 /* as many as base/workers.h has threads */

struct hashers {
	enum digest_algorithm algorithm;
	pthread_mutex_t lock;
	/* guarded by lock: */
	struct verity_hasher *idle[HASHERS_MAX]; /* owned */
	size_t idle_count;
};

void hashers_init(struct hashers *hashers, enum digest_algorithm algorithm);
void hashers_release(struct hashers *hashers);

/* Errors as of verity_hasher_new(). Every hasher that was taken is given back, empty. */
int hashers_take(struct hashers *hashers, struct verity_hasher **ret, struct diag *why);
void hashers_give(struct hashers *hashers, struct verity_hasher *hasher);

#endif
