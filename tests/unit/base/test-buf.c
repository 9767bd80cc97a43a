/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"

static void grows_and_keeps_what_was_there(void **state)
{
	struct buf buf = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(0, buf_printf(&buf, "%d,", i));
	assert_int_equal(3890, buf.size);
	assert_memory_equal("0,1,2,", buf.data, 6);
	assert_memory_equal("998,999,", buf.data + buf.size - 8, 8);
	assert_string_equal("999,", buf_string(&buf) + buf.size - 4);
	buf_release(&buf);
	assert_null(buf.data);
}

static void appends_every_kind(void **state)
{
	struct buf buf = {0};

	(void)state;
	assert_int_equal(0, buf_append_string(&buf, "ab"));
	assert_int_equal(0, buf_append_byte(&buf, 'c'));
	assert_int_equal(0, buf_append_zeros(&buf, 2));
	assert_int_equal(0, buf_append_span(&buf, SPAN_EMPTY));
	assert_int_equal(0, buf_append_span(&buf, SPAN_LITERAL("d")));
	assert_true(span_equal(buf_span(&buf), span_of("abc\0\0d", 6)));
	buf_release(&buf);
}

static void refuses_a_size_that_wraps(void **state)
{
	struct buf buf = {0};

	(void)state;
	assert_int_equal(0, buf_append_byte(&buf, 'x'));
	assert_int_equal(-ENOMEM, buf_reserve(&buf, SIZE_MAX));
	assert_int_equal(-ENOMEM, buf_reserve(&buf, SIZE_MAX / 2 + 2));
	assert_int_equal(1, buf.size);
	assert_int_equal('x', buf.data[0]);
	buf_release(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_keeps_what_was_there),
		cmocka_unit_test(appends_every_kind),
		cmocka_unit_test(refuses_a_size_that_wraps),
	};

	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
