/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/base64.h"
#include "base/buf.h"

/* RFC 4648, section 10 */
static void the_vectors_of_the_rfc_agree(void **state)
{
	static const char *const vectors[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf text = {0}, bytes = {0};

		assert_int_equal(0, base64_encode(span_of_string(vectors[i][0]), &text));
		assert_string_equal(vectors[i][1], buf_string(&text));
		assert_int_equal(0, base64_decode(buf_span(&text), &bytes));
		assert_string_equal(vectors[i][0], buf_string(&bytes));
		buf_release(&text);
		buf_release(&bytes);
	}
}

static void all_bytes_come_back(void **state)
{
	struct buf text = {0}, again = {0};
	uint8_t bytes[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		text.size = again.size = 0;
		assert_int_equal(0, base64_encode(span_of(bytes, size), &text));
		assert_int_equal(0, base64_decode(buf_span(&text), &again));
		assert_true(span_equal(span_of(bytes, size), buf_span(&again)));
	}
	buf_release(&text);
	buf_release(&again);
}

static void padding_may_be_missing(void **state)
{
	struct buf bytes = {0};

	(void)state;
	assert_int_equal(0, base64_decode(SPAN_LITERAL("Zm8"), &bytes));
	assert_string_equal("fo", buf_string(&bytes));
	buf_release(&bytes);
}

static void what_is_not_base64_is_refused(void **state)
{
	static const char *const bad[] = {
		"Z",    "Zm9v ", " Zm9v", "Zm9v\n", "Zg=",   "Z===", "Zm=v",
		"Zh==", "Zm9=",  "Zm-_",  "====",   "Zm9v=", "Zm9vY"};
	struct buf bytes = {0};

	(void)state;
	assert_int_equal(0, buf_append_byte(&bytes, 'x'));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (base64_decode(span_of_string(bad[i]), &bytes) != -EUCLEAN)
			fail_msg("'%s'", bad[i]);
		assert_int_equal(1, bytes.size);
	}
	buf_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_the_rfc_agree),
		cmocka_unit_test(all_bytes_come_back),
		cmocka_unit_test(padding_may_be_missing),
		cmocka_unit_test(what_is_not_base64_is_refused),
	};

	return cmocka_run_group_tests_name("base/base64", tests, NULL, NULL);
}
