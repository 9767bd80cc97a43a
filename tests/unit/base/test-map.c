/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/map.h"

static bool text_equal(const void *item, const void *key)
{
	return strcmp(item, key) == 0;
}

static void finds_everything_that_was_added(void **state)
{
	static char texts[5000][12];
	struct map map = {0};

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "item %zu", i);
		assert_int_equal(0,
				 map_add(&map, hash_bytes(span_of_string(texts[i]), 7), texts[i]));
	}
	assert_int_equal(5000, map.count);
	for (size_t i = 0; i < 5000; i++)
		assert_ptr_equal(texts[i], map_find(&map, hash_bytes(span_of_string(texts[i]), 7),
						    text_equal, texts[i]));
	assert_null(map_find(&map, hash_bytes(SPAN_LITERAL("none"), 7), text_equal, "none"));
	map_release(&map);
}

static void compares_when_hashes_collide(void **state)
{
	char one[] = "one", two[] = "two";
	struct map map = {0};

	(void)state;
	assert_int_equal(0, map_add(&map, 1, one));
	assert_int_equal(0, map_add(&map, 1, two));
	assert_string_equal("two", map_find(&map, 1, text_equal, "two"));
	assert_string_equal("one", map_find(&map, 1, text_equal, "one"));
	assert_null(map_find(&map, 1, text_equal, "three"));
	map_release(&map);
}

static bool number_equal(const void *item, const void *key)
{
	return item == key;
}

/* In clusters that run over the end of the slots, too. */
static void what_was_removed_is_gone_and_nothing_else(void **state)
{
	static uint32_t hashes[600];
	static bool is_there[600];
	struct map map = {0};
	uint32_t random = 1;

	(void)state;
	for (size_t step = 0; step < 50000; step++) {
		size_t i;

		random = random * 1664525 + 1013904223;
		i = (random >> 8) % 600;
		if (is_there[i]) {
			map_remove(&map, hashes[i], &hashes[i]);
		} else {
			hashes[i] = random % 5 ? UINT32_MAX - (uint32_t)i % 7 : random;
			assert_int_equal(0, map_add(&map, hashes[i], &hashes[i]));
		}
		is_there[i] = !is_there[i];
		for (size_t k = step % 61; k < 600; k += 61)
			assert_ptr_equal(is_there[k] ? &hashes[k] : NULL,
					 map_find(&map, hashes[k], number_equal, &hashes[k]));
	}
	for (size_t i = 0; i < 600; i++) {
		if (is_there[i])
			map_remove(&map, hashes[i], &hashes[i]);
	}
	assert_int_equal(0, map.count);
	map_release(&map);
}

static void hash_depends_on_bytes_length_and_seed(void **state)
{
	static const uint8_t zeros[16];

	(void)state;
	assert_int_equal(hash_bytes(SPAN_LITERAL("a"), 1), hash_bytes(SPAN_LITERAL("a"), 1));
	assert_int_not_equal(hash_bytes(SPAN_LITERAL("a"), 1), hash_bytes(SPAN_LITERAL("a"), 2));
	assert_int_not_equal(hash_bytes(span_of(zeros, 8), 1), hash_bytes(span_of(zeros, 9), 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_everything_that_was_added),
		cmocka_unit_test(compares_when_hashes_collide),
		cmocka_unit_test(what_was_removed_is_gone_and_nothing_else),
		cmocka_unit_test(hash_depends_on_bytes_length_and_seed),
	};

	return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
