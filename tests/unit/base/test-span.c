/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/le.h"
#include "base/span.h"

static void cuts_what_is_there(void **state)
{
	struct span s = SPAN_LITERAL("abcdef"), part;

	(void)state;
	assert_true(span_cut(s, 2, 3, &part));
	assert_true(span_equal(part, SPAN_LITERAL("cde")));
	assert_true(span_cut(s, 6, 0, &part));
	assert_int_equal(0, part.size);
}

static void refuses_offsets_that_would_wrap(void **state)
{
	struct span s = SPAN_LITERAL("abcdef"), part = SPAN_LITERAL("kept");

	(void)state;
	assert_false(span_cut(s, 1, UINT64_MAX, &part));
	assert_false(span_cut(s, UINT64_MAX, 1, &part));
	assert_false(span_cut(s, UINT64_MAX, 0, &part));
	assert_false(span_cut(s, 7, 0, &part));
	assert_false(span_cut(s, 0, 7, &part));
	assert_true(span_equal(part, SPAN_LITERAL("kept")));
}

static void views_a_record_only_when_whole(void **state)
{
	static const uint8_t raw[] = {1, 2, 3, 4, 5};
	struct span s = span_of(raw, sizeof(raw));
	const le32 *view = span_at(s, 1, le32);

	(void)state;
	assert_non_null(view);
	assert_int_equal(0x05040302, le32_get(*view));
	assert_null(span_at(s, 2, le32));
	assert_null(span_at(s, UINT64_MAX - 1, le32));
}

static void orders_like_strcmp(void **state)
{
	(void)state;
	assert_true(span_compare(SPAN_LITERAL("a"), SPAN_LITERAL("b")) < 0);
	assert_true(span_compare(SPAN_LITERAL("a"), SPAN_LITERAL("ab")) < 0);
	assert_true(span_compare(SPAN_LITERAL("\xff"), SPAN_LITERAL("a")) > 0);
	assert_int_equal(0, span_compare(SPAN_LITERAL("same"), SPAN_LITERAL("same")));
	assert_true(span_compare(SPAN_EMPTY, SPAN_LITERAL("x")) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_what_is_there),
		cmocka_unit_test(refuses_offsets_that_would_wrap),
		cmocka_unit_test(views_a_record_only_when_whole),
		cmocka_unit_test(orders_like_strcmp),
	};

	return cmocka_run_group_tests_name("base/span", tests, NULL, NULL);
}
