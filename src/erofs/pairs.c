/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pairs.c - every xattr of an image once, and how many inodes have it
 *
 * Values are never copied: those that the format derives from a payload or a digest are a few bytes
 * in front of the tree's own.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "erofs/disk.h"
#include "erofs/writer_private.h"
#include "erofs/xxh32.h"

void pairs_release(struct pairs *pairs)
{
	arena_release(&pairs->arena);
	map_release(&pairs->keys_by_name);
	memory_freep(&pairs->keys);
	memory_freep(&pairs->pairs);
	memory_freep(&pairs->slots);
	memory_freep(&pairs->shared);
	*pairs = (struct pairs){0};
}

/* Keys */

/* Section 6, in the order of the first match. */
static const struct {
	struct span text;
	uint8_t index;
} prefixes[] = {
	{SPAN_LITERAL("user."), XATTR_PREFIX_USER},
	{SPAN_LITERAL("system.posix_acl_access"), XATTR_PREFIX_ACL_ACCESS},
	{SPAN_LITERAL("system.posix_acl_default"), XATTR_PREFIX_ACL_DEFAULT},
	{SPAN_LITERAL("trusted."), XATTR_PREFIX_TRUSTED},
	{SPAN_LITERAL("security."), XATTR_PREFIX_SECURITY},
	{SPAN_LITERAL("lustre."), XATTR_PREFIX_LUSTRE}, /* last: not all formats have it */
};

static void key_split(const struct pairs *pairs, struct pair_key *key)
{
	size_t count = sizeof(prefixes) / sizeof(prefixes[0]) - (pairs->knows_lustre ? 0 : 1);

	key->prefix = XATTR_PREFIX_NONE;
	key->suffix = key->full;
	for (size_t i = 0; i < count; i++) {
		if (span_starts_with(key->full, prefixes[i].text)) {
			key->prefix = prefixes[i].index;
			(void)span_from(key->full, prefixes[i].text.size, &key->suffix);
			break;
		}
	}
	key->filter_bit = xxh32(key->suffix, XATTR_FILTER_SEED + key->prefix) & 31;
}

static bool key_equal(const void *item, const void *key)
{
	return span_equal(((const struct pair_key *)item)->full, *(const struct span *)key);
}

int pairs_key(struct pairs *pairs, struct span full, const struct pair_key **ret)
{
	uint32_t hash = hash_bytes(full, 0);
	struct pair_key *key = map_find(&pairs->keys_by_name, hash, key_equal, &full);
	int r;

	if (!key) {
		r = array_reserve(&pairs->keys, pairs->key_count, 1, &pairs->key_capacity,
				  sizeof(*pairs->keys));
		if (r < 0)
			return r;
		key = arena_new(&pairs->arena, struct pair_key);
		if (!key)
			return -ENOMEM;
		key->full = span_of(arena_copy(&pairs->arena, full), full.size);
		if (!key->full.data)
			return -ENOMEM;
		key_split(pairs, key);
		r = map_add(&pairs->keys_by_name, hash, key);
		if (r < 0)
			return r;
		key->number = (uint32_t)pairs->key_count;
		pairs->keys[pairs->key_count++] = key;
	}
	*ret = key;
	return 0;
}

/* Pairs */

size_t pair_head(const struct pair *pair, uint8_t *head)
{
	switch ((enum value_head)pair->head) {
	case HEAD_SLASH:
		head[0] = '/';
		return 1;
	case HEAD_METACOPY: /* version, length with this head, flags, fs-verity algorithm */
		head[0] = 0;
		head[1] = (uint8_t)(VALUE_HEAD_SIZE_MAX + pair->body_size);
		head[2] = 0;
		head[3] = (uint8_t)digest_algorithm_by_size(pair->body_size);
		return VALUE_HEAD_SIZE_MAX;
	case HEAD_NONE:
		break;
	}
	return 0;
}

size_t pair_value_size(const struct pair *pair)
{
	static const uint8_t sizes[] = {
		[HEAD_NONE] = 0, [HEAD_SLASH] = 1, [HEAD_METACOPY] = VALUE_HEAD_SIZE_MAX};

	return sizes[pair->head] + (size_t)pair->body_size;
}

size_t pair_entry_size(const struct pairs *pairs, const struct pair *pair)
{
	return align_up(sizeof(struct xattr_entry_disk) + pair_key(pairs, pair)->suffix.size +
				pair_value_size(pair),
			4);
}

static struct span pair_body(const struct pair *pair)
{
	return span_of(pair->body, pair->body_size);
}

static void slot_place(struct pairs *pairs, uint32_t hash, uint32_t number)
{
	size_t mask = pairs->slot_count - 1, i = hash & mask;

	while (pairs->slots[i].number)
		i = (i + 1) & mask;
	pairs->slots[i] = (struct pair_slot){hash, number};
}

static int slots_grow(struct pairs *pairs)
{
	size_t old_count = pairs->slot_count;
	struct pair_slot *old = pairs->slots;

	pairs->slots = calloc(old_count ? 2 * old_count : 256, sizeof(*pairs->slots));
	if (!pairs->slots) {
		pairs->slots = old;
		return -ENOMEM;
	}
	pairs->slot_count = old_count ? 2 * old_count : 256;
	for (size_t i = 0; i < old_count; i++) {
		if (old[i].number)
			slot_place(pairs, old[i].hash, old[i].number);
	}
	free(old);
	return 0;
}

static struct pair *pair_find(const struct pairs *pairs, uint32_t hash, const struct attr *attr)
{
	size_t mask = pairs->slot_count - 1;

	for (size_t i = hash & mask; pairs->slot_count && pairs->slots[i].number;
	     i = (i + 1) & mask) {
		struct pair *pair = &pairs->pairs[pairs->slots[i].number - 1];

		if (pairs->slots[i].hash == hash && pair->key_number == attr->key->number &&
		    pair->head == attr->head && span_equal(pair_body(pair), attr->body))
			return pair;
	}
	return NULL;
}

static int pair_add(struct pairs *pairs, uint32_t hash, const struct attr *attr, struct diag *why)
{
	int r;

	if (pairs->pair_count >= UINT32_MAX - 1)
		return diag_set(why, -EFBIG, "more xattrs than can be counted");
	r = array_reserve(&pairs->pairs, pairs->pair_count, 1, &pairs->pair_capacity,
			  sizeof(*pairs->pairs));
	if (r == 0 && pairs->pair_count >= pairs->slot_count / 4 * 3)
		r = slots_grow(pairs);
	if (r < 0)
		return r;
	pairs->pairs[pairs->pair_count++] = (struct pair){
		.body = attr->body.data,
		.body_size = (uint16_t)attr->body.size,
		.key_number = attr->key->number,
		.head = (uint8_t)attr->head,
	};
	slot_place(pairs, hash, (uint32_t)pairs->pair_count);
	return 0;
}

int pairs_use(struct pairs *pairs, const struct attr *attr, uint32_t *ret, struct diag *why)
{
	uint32_t hash = hash_bytes(attr->body, (uint64_t)attr->key->number << 8 | attr->head);
	struct pair *pair = pair_find(pairs, hash, attr);

	assert(attr->body.size <= UINT16_MAX - VALUE_HEAD_SIZE_MAX);
	if (!pair) {
		int r = pair_add(pairs, hash, attr, why);

		if (r < 0)
			return r;
		pair = &pairs->pairs[pairs->pair_count - 1];
	}
	if (pair->uses < UINT32_MAX)
		pair->uses++;
	*ret = (uint32_t)(pair - pairs->pairs);
	return 0;
}

/* Sharing */

int pair_order_descending(const void *left, const void *right, void *context)
{
	const struct pairs *pairs = context;
	const struct pair *a = &pairs->pairs[*(const uint32_t *)left];
	const struct pair *b = &pairs->pairs[*(const uint32_t *)right];
	int order = span_compare(pair_key(pairs, b)->full, pair_key(pairs, a)->full);

	if (order)
		return order;
	if (pair_value_size(a) != pair_value_size(b))
		return pair_value_size(a) < pair_value_size(b) ? 1 : -1;
	/* One key and one length: the heads are equal, so the bodies decide. */
	return span_compare(pair_body(b), pair_body(a));
}

int pair_order_ascending(const void *left, const void *right, void *context)
{
	const struct pairs *pairs = context;
	const struct pair *a = &pairs->pairs[*(const uint32_t *)left];
	const struct pair *b = &pairs->pairs[*(const uint32_t *)right];
	uint8_t heads[2][VALUE_HEAD_SIZE_MAX];
	int order = pair_key(pairs, a)->prefix - pair_key(pairs, b)->prefix;

	if (order == 0)
		order = span_compare(pair_key(pairs, a)->suffix, pair_key(pairs, b)->suffix);
	/* Heads of one key are equally long in this format: a metacopy always has a digest. */
	if (order == 0)
		order = span_compare(span_of(heads[0], pair_head(a, heads[0])),
				     span_of(heads[1], pair_head(b, heads[1])));
	return order ? order : span_compare(pair_body(a), pair_body(b));
}

static int shared_place(struct pairs *pairs, struct diag *why)
{
	uint64_t size = 0;

	for (size_t i = 0; i < pairs->shared_count; i++) {
		struct pair *pair = &pairs->pairs[pairs->shared[i]];

		if (size / 4 > UINT32_MAX - BLOCK_BYTES / 4)
			return diag_set(why, -EFBIG, "more shared xattrs than ids can reach");
		pair->shared_place = (uint32_t)(size / 4);
		size += pair_entry_size(pairs, pair);
	}
	pairs->shared_size = size;
	return 0;
}

int pairs_share(struct pairs *pairs, pair_order *order, struct diag *why)
{
	size_t count = 0;

	free(TAKE(pairs->slots)); /* nothing is looked up any more */
	pairs->slot_count = 0;
	for (size_t i = 0; i < pairs->pair_count; i++)
		count += pair_is_shared(&pairs->pairs[i]);
	pairs->shared = calloc(count + 1, sizeof(*pairs->shared));
	if (!pairs->shared)
		return -ENOMEM;
	for (size_t i = 0; i < pairs->pair_count; i++) {
		if (pair_is_shared(&pairs->pairs[i]))
			pairs->shared[pairs->shared_count++] = (uint32_t)i;
	}
	qsort_r(pairs->shared, pairs->shared_count, sizeof(*pairs->shared), order, pairs);
	return shared_place(pairs, why);
}
