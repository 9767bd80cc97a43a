/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * digest_set.h - many digests of one algorithm, each once, in the order they came
 *
 * Found by value in constant time and by index. Owned by one thread.
 */
#ifndef LAMINA_BASE_DIGEST_SET_H
#define LAMINA_BASE_DIGEST_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/map.h"

struct digest_set {
	enum digest_algorithm algorithm;
	size_t count;
	struct buf bytes; /* digest_size() each, one behind the other */
	struct map map;   /* of index + 1, as a pointer */
};

#define DIGEST_SET_OF(algorithm_) ((struct digest_set){.algorithm = (algorithm_)})

void digest_set_release(struct digest_set *set);

/*
 * Put it there. Returns 1 when it is new, 0 when it was there, -E2BIG where it would be more than
 * count_max, or -ENOMEM. *ret_index may be NULL. The digest is of the set's algorithm.
 */
int digest_set_put(struct digest_set *set, const struct digest *digest, size_t count_max,
		   size_t *ret_index);

/* False for one of another algorithm, too. *ret_index counts in the order of putting. */
bool digest_set_find(const struct digest_set *set, const struct digest *digest, size_t *ret_index);
bool digest_set_has(const struct digest_set *set, const struct digest *digest);

struct digest digest_set_at(const struct digest_set *set, size_t index);

#endif
