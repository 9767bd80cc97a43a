/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "verity/sha.h"

static void assert_hash(enum digest_algorithm algorithm, const char *text, const char *expected)
{
	char hex[DIGEST_HEX_SIZE_MAX];
	struct digest digest;

	assert_int_equal(0, sha_of(algorithm, span_of_string(text), &digest, NULL));
	assert_string_equal(expected, digest_hex(&digest, hex));
}

/* FIPS 180-4's examples, and that of nothing at all. */
static void hashes_as_the_standard_says(void **state)
{
	(void)state;
	assert_hash(DIGEST_SHA256, "abc",
		    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_hash(DIGEST_SHA256, "",
		    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_hash(DIGEST_SHA512, "abc",
		    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1"
		    "a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void parts_and_reuse_do_not_matter(void **state)
{
	struct digest whole, parts;
	struct sha *sha;

	(void)state;
	assert_int_equal(0, sha_of(DIGEST_SHA256, SPAN_LITERAL("abc"), &whole, NULL));
	assert_int_equal(0, sha_new(DIGEST_SHA256, &sha, NULL));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(0, sha_update(sha, SPAN_LITERAL("a")));
		assert_int_equal(0, sha_update(sha, SPAN_EMPTY));
		assert_int_equal(0, sha_update(sha, SPAN_LITERAL("bc")));
		assert_int_equal(0, sha_finish(sha, &parts));
		assert_true(digest_equal(&whole, &parts));
	}
	sha_free(sha);
	assert_int_equal(-EINVAL, sha_new(DIGEST_NONE, &sha, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_as_the_standard_says),
		cmocka_unit_test(parts_and_reuse_do_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
