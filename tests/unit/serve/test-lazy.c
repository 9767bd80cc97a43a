/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/digest.h"
#include "serve/lazy.h"
#include "verity/sha.h"

static void a_mark_is_told_from_digests(void **state)
{
	struct digest contents, found, sha512;
	struct digest mark;

	(void)state;
	assert_int_equal(0, sha_of(DIGEST_SHA256, SPAN_LITERAL("x"), &contents, NULL));
	assert_int_equal(0, sha_of(DIGEST_SHA512, SPAN_LITERAL("x"), &sha512, NULL));
	mark = lazy_mark(&contents);
	assert_true(lazy_unmark(&mark, &found));
	assert_true(digest_equal(&contents, &found));
	assert_false(lazy_unmark(&contents, &found));
	assert_false(lazy_unmark(&sha512, &found));
	mark.bytes[DIGEST_SIZE_MAX - 1] ^= 1;
	assert_false(lazy_unmark(&mark, &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_is_told_from_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
