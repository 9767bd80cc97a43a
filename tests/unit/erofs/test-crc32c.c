/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "erofs/crc32c.h"

/* RFC 3720, appendix B.4, and the customary check value; both inverted in the end. */
static void sums_as_published(void **state)
{
	static const uint8_t zeros[32];

	(void)state;
	assert_int_equal(0xe3069283, ~crc32c(SPAN_LITERAL("123456789"), UINT32_MAX));
	assert_int_equal(0x8a9136aa, ~crc32c(span_of(zeros, sizeof(zeros)), UINT32_MAX));
}

static void goes_on_from_a_part(void **state)
{
	(void)state;
	assert_int_equal(crc32c(SPAN_LITERAL("123456789"), 7),
			 crc32c(SPAN_LITERAL("456789"), crc32c(SPAN_LITERAL("123"), 7)));
	assert_int_equal(7, crc32c(SPAN_EMPTY, 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_as_published),
		cmocka_unit_test(goes_on_from_a_part),
	};

	return cmocka_run_group_tests_name("erofs/crc32c", tests, NULL, NULL);
}
