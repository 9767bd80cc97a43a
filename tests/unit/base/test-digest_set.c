/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/digest_set.h"

static struct digest numbered(enum digest_algorithm algorithm, uint32_t number)
{
	struct digest digest = {.algorithm = (uint8_t)algorithm};

	memcpy(digest.bytes + digest_size(algorithm) - sizeof(number), &number, sizeof(number));
	return digest;
}

static void keeps_each_once_in_order(void **state)
{
	static const enum digest_algorithm algorithms[] = {DIGEST_SHA256, DIGEST_SHA512};

	(void)state;
	for (size_t a = 0; a < 2; a++) {
		struct digest_set set = DIGEST_SET_OF(algorithms[a]);
		struct digest other = numbered(algorithms[1 - a], 1);

		for (uint32_t i = 0; i < 3000; i++) {
			struct digest digest = numbered(algorithms[a], i % 1000);
			size_t index = SIZE_MAX;

			assert_int_equal(i < 1000, digest_set_put(&set, &digest, SIZE_MAX, &index));
			assert_int_equal(i % 1000, index);
			assert_true(digest_set_has(&set, &digest));
		}
		assert_int_equal(1000, set.count);
		assert_int_equal(1000 * digest_size(algorithms[a]), set.bytes.size);
		for (uint32_t i = 0; i < 1000; i++) {
			struct digest at = digest_set_at(&set, i);
			struct digest expected = numbered(algorithms[a], i);

			assert_true(digest_equal(&expected, &at));
		}
		assert_false(digest_set_has(&set, &other));
		other = numbered(algorithms[a], 1000);
		assert_false(digest_set_has(&set, &other));
		digest_set_release(&set);
		assert_false(digest_set_has(&set, &other));
	}
}

static void takes_no_more_than_it_may(void **state)
{
	struct digest_set set = DIGEST_SET_OF(DIGEST_SHA256);
	struct digest digest;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		digest = numbered(DIGEST_SHA256, i);
		assert_int_equal(i < 2 ? 1 : -E2BIG, digest_set_put(&set, &digest, 2, NULL));
	}
	assert_int_equal(2, set.count);
	digest = numbered(DIGEST_SHA256, 1);
	assert_int_equal(0, digest_set_put(&set, &digest, 2, NULL));
	digest_set_release(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_each_once_in_order),
		cmocka_unit_test(takes_no_more_than_it_may),
	};

	return cmocka_run_group_tests_name("base/digest_set", tests, NULL, NULL);
}
