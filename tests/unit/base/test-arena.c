/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/arena.h"

static void gives_aligned_memory_that_does_not_overlap(void **state)
{
	static const size_t sizes[] = {1, 3, 8, 24, 100, 4096, 70000, 300000};
	struct arena arena = {0};
	uint8_t *pieces[800];
	size_t piece_sizes[800];

	(void)state;
	for (size_t i = 0; i < 800; i++) {
		size_t align = (size_t)1 << (i % 5);

		piece_sizes[i] = sizes[i % 8];
		pieces[i] = arena_alloc(&arena, piece_sizes[i], align);
		assert_non_null(pieces[i]);
		assert_int_equal(0, (uintptr_t)pieces[i] % align);
		memset(pieces[i], (int)(i % 251), piece_sizes[i]);
	}
	for (size_t i = 0; i < 800; i++) {
		for (size_t j = 0; j < piece_sizes[i]; j++) {
			if (pieces[i][j] != i % 251)
				fail_msg("piece %zu was overwritten at byte %zu", i, j);
		}
	}
	arena_release(&arena);
}

static void copies_end_in_nul(void **state)
{
	struct arena arena = {0};
	char *copy = arena_copy(&arena, SPAN_LITERAL("name"));

	(void)state;
	assert_string_equal("name", copy);
	assert_string_equal("", arena_copy(&arena, SPAN_EMPTY));
	arena_release(&arena);
}

static void refuses_a_size_that_wraps(void **state)
{
	struct arena arena = {0};

	(void)state;
	assert_null(arena_alloc(&arena, SIZE_MAX, 8));
	assert_null(arena_alloc(&arena, SIZE_MAX - 8, 1));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_aligned_memory_that_does_not_overlap),
		cmocka_unit_test(copies_end_in_nul),
		cmocka_unit_test(refuses_a_size_that_wraps),
	};

	return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
