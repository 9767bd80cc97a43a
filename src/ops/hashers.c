/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/hashers.h"

#include "verity/hasher.h"

void hashers_init(struct hashers *hashers, enum digest_algorithm algorithm)
{
	*hashers = (struct hashers){.algorithm = algorithm};
	(void)pthread_mutex_init(&hashers->lock, NULL);
}

void hashers_release(struct hashers *hashers)
{
	while (hashers->idle_count)
		verity_hasher_free(hashers->idle[--hashers->idle_count]);
	(void)pthread_mutex_destroy(&hashers->lock);
}

int hashers_take(struct hashers *hashers, struct verity_hasher **ret, struct diag *why)
{
	struct verity_hasher *hasher = NULL;

	(void)pthread_mutex_lock(&hashers->lock);
	if (hashers->idle_count)
		hasher = hashers->idle[--hashers->idle_count];
	(void)pthread_mutex_unlock(&hashers->lock);
	if (!hasher)
		return verity_hasher_new(hashers->algorithm, ret, why);
	*ret = hasher;
	return 0;
}

void hashers_give(struct hashers *hashers, struct verity_hasher *hasher)
{
	(void)pthread_mutex_lock(&hashers->lock);
	if (hashers->idle_count < HASHERS_MAX) {
		hashers->idle[hashers->idle_count++] = hasher;
		hasher = NULL;
	}
	(void)pthread_mutex_unlock(&hashers->lock);
	verity_hasher_free(hasher);
}
