/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/digest_set.h"

#include <assert.h>
#include <errno.h>

void digest_set_release(struct digest_set *set)
{
	buf_release(&set->bytes);
	map_release(&set->map);
	set->count = 0;
}

struct key {
	const struct digest_set *set;
	const struct digest *digest;
};

static bool is_at(const void *item, const void *key)
{
	const struct key *wanted = key;
	struct span bytes = digest_span(wanted->digest);
	size_t index = (size_t)(uintptr_t)item - 1;

	return memcmp(wanted->set->bytes.data + index * bytes.size, bytes.data, bytes.size) == 0;
}

int digest_set_put(struct digest_set *set, const struct digest *digest, size_t count_max,
		   size_t *ret_index)
{
	uint32_t hash = hash_bytes(digest_span(digest), 0);
	size_t index;
	int r;

	assert(digest->algorithm == set->algorithm);
	if (digest_set_find(set, digest, &index)) {
		if (ret_index)
			*ret_index = index;
		return 0;
	}
	if (set->count >= count_max)
		return -E2BIG;
	r = buf_append_span(&set->bytes, digest_span(digest));
	if (r < 0)
		return r;
	r = map_add(&set->map, hash, (void *)(uintptr_t)(set->count + 1));
	if (r < 0) {
		set->bytes.size -= digest_span(digest).size;
		return r;
	}
	if (ret_index)
		*ret_index = set->count;
	set->count++;
	return 1;
}

bool digest_set_find(const struct digest_set *set, const struct digest *digest, size_t *ret_index)
{
	struct key key = {set, digest};
	const void *item;

	if (digest->algorithm != set->algorithm)
		return false;
	item = map_find(&set->map, hash_bytes(digest_span(digest), 0), is_at, &key);
	if (!item)
		return false;
	*ret_index = (size_t)(uintptr_t)item - 1;
	return true;
}

bool digest_set_has(const struct digest_set *set, const struct digest *digest)
{
	size_t index;

	return digest_set_find(set, digest, &index);
}

struct digest digest_set_at(const struct digest_set *set, size_t index)
{
	return digest_of(set->algorithm, set->bytes.data + index * digest_size(set->algorithm));
}
