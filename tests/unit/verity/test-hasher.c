/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/diag.h"
#include "verity/hasher.h"

static struct verity_hasher *hasher_of(enum digest_algorithm algorithm)
{
	struct verity_hasher *hasher = NULL;
	struct diag why = {0};

	assert_ok(verity_hasher_new(algorithm, &hasher, &why), &why);
	return hasher;
}

static void assert_digest(const char *hex, const struct digest *digest)
{
	char text[DIGEST_HEX_SIZE_MAX];

	assert_string_equal(hex, digest_hex(digest, text));
}

/* Pinned by composefs-rs, crates/composefs/src/fsverity/digest.rs and
 * crates/composefs-oci/src/lib.rs. */
static void matches_pinned_digests(void **state)
{
	static const uint8_t zeros[4097];
	static const struct {
		enum digest_algorithm algorithm;
		const void *data;
		size_t size;
		const char *hex;
	} cases[] = {
		{DIGEST_SHA256, "hello world", 11,
		 "1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64"},
		{DIGEST_SHA512, "hello world", 11,
		 "18430270729d162d4e469daca123ae61893db4b0583d8f7081e3bf4f92b88ba5"
		 "14e7982f10733fb6aa895195c5ae8fd2eb2c47a8be05513ce5a0c51a6f570409"},
		{DIGEST_SHA256, "", 0,
		 "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"},
		{DIGEST_SHA256, zeros, 4095,
		 "5372beb83c78537c8970c8361e3254119fafdf1763854ecd57d3f0fe2da7c719"},
		{DIGEST_SHA256, zeros, 4096,
		 "babc284ee4ffe7f449377fbf6692715b43aec7bc39c094a95878904d34bac97e"},
		{DIGEST_SHA256, zeros, 4097,
		 "093756e4ea9683329106d4a16982682ed182c14bf076463a9e7f97305cbac743"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_hasher *hasher = hasher_of(cases[i].algorithm);
		struct digest digest;

		assert_int_equal(0, verity_update(hasher, span_of(cases[i].data, cases[i].size)));
		assert_int_equal(0, verity_finish(hasher, &digest));
		assert_digest(cases[i].hex, &digest);
		verity_hasher_free(hasher);
	}
}

/* xorshift: the same bytes and cuts on every run. */
static uint32_t next_random(uint32_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return *random;
}

static void slices_do_not_matter(void **state)
{
	static const size_t sizes[] = {1, 4095, 4097, 128 * 4096, 128 * 4096 + 1, 3000001};
	static const enum digest_algorithm algorithms[] = {DIGEST_SHA256, DIGEST_SHA512};
	uint8_t *data = malloc(3000001);
	uint32_t random = 1;

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < 3000001; i++)
		data[i] = (uint8_t)next_random(&random);
	for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct verity_hasher *hasher = hasher_of(algorithms[i % 2]);
		size_t size = sizes[i / 2], done = 0;
		struct digest whole, sliced;

		assert_int_equal(0, verity_update(hasher, span_of(data, size)));
		assert_int_equal(0, verity_finish(hasher, &whole));
		while (done < size) {
			size_t slice = next_random(&random) % 10000;

			if (slice > size - done)
				slice = size - done;
			assert_int_equal(0, verity_update(hasher, span_of(data + done, slice)));
			done += slice;
		}
		assert_int_equal(0, verity_finish(hasher, &sliced));
		assert_true(digest_equal(&whole, &sliced));
		verity_hasher_free(hasher);
	}
	free(data);
}

static void is_empty_again_after_finish(void **state)
{
	struct verity_hasher *hasher = hasher_of(DIGEST_SHA256);
	uint8_t data[5000] = {1};
	struct digest digest;

	(void)state;
	assert_int_equal(0, verity_update(hasher, span_of(data, sizeof(data))));
	assert_int_equal(0, verity_finish(hasher, &digest));
	assert_int_equal(0, verity_finish(hasher, &digest));
	assert_digest("3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95", &digest);
	verity_hasher_free(hasher);
}

static void refuses_what_is_no_algorithm(void **state)
{
	struct verity_hasher *hasher = NULL;
	struct diag why = {0};

	(void)state;
	assert_int_equal(-EINVAL, verity_hasher_new(DIGEST_NONE, &hasher, &why));
	assert_int_equal(-EINVAL, verity_hasher_new((enum digest_algorithm)3, &hasher, &why));
	assert_null(hasher);
	assert_string_not_equal("", why.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_pinned_digests),
		cmocka_unit_test(slices_do_not_matter),
		cmocka_unit_test(is_empty_again_after_finish),
		cmocka_unit_test(refuses_what_is_no_algorithm),
	};

	return cmocka_run_group_tests_name("verity/hasher", tests, NULL, NULL);
}
