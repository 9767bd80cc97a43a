/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "verity/crypto_private.h"

static void is_loaded_once_with_all_algorithms(void **state)
{
	const struct crypto *crypto, *again;
	struct diag why = {0};

	(void)state;
	assert_ok(crypto_load(&crypto, &why), &why);
	assert_non_null(crypto->md[DIGEST_SHA256]);
	assert_non_null(crypto->md[DIGEST_SHA512]);
	assert_ok(crypto_load(&again, &why), &why);
	assert_ptr_equal(crypto, again);
}

static void hashes_as_fips_180_says(void **state)
{
	/* FIPS 180-4, the example "abc" */
	static const uint8_t expected[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
					   0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
					   0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
					   0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	const struct crypto *crypto;
	struct diag why = {0};
	unsigned int size = 0;
	uint8_t hash[64];
	EVP_MD_CTX *context;

	(void)state;
	assert_ok(crypto_load(&crypto, &why), &why);
	context = crypto->context_new();
	assert_non_null(context);
	assert_int_equal(1, crypto->init(context, crypto->md[DIGEST_SHA256], NULL));
	assert_int_equal(1, crypto->update(context, "abc", 3));
	assert_int_equal(1, crypto->final(context, hash, &size));
	crypto->context_free(context);
	assert_int_equal(sizeof(expected), size);
	assert_memory_equal(expected, hash, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_loaded_once_with_all_algorithms),
		cmocka_unit_test(hashes_as_fips_180_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
