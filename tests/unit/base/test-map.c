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
		cmocka_unit_test(hash_depends_on_bytes_length_and_seed),
	};

	return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
