/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "erofs/xxh32.h"

/* Vectors made with libxxhash 0.8.1. */
static void hashes_as_libxxhash_does(void **state)
{
	static const struct {
		const char *text;
		uint32_t seed;
		uint32_t hash;
	} vectors[] = {
		{"", 0x0u, 0x02cc5d05u},
		{"", 0x25bbe08fu, 0x59ff5d54u},
		{"", 0xffffffffu, 0x9061da9du},
		{"a", 0x0u, 0x550d7456u},
		{"a", 0x25bbe08fu, 0x4f5e2227u},
		{"a", 0xffffffffu, 0xcd42752du},
		{"abc", 0x0u, 0x32d153ffu},
		{"abc", 0x25bbe08fu, 0x61c300aau},
		{"abc", 0xffffffffu, 0xb22b1420u},
		{"abcd", 0x0u, 0xa3643705u},
		{"abcd", 0x25bbe08fu, 0x5d1c1f95u},
		{"abcd", 0xffffffffu, 0x22090ef9u},
		{"overlay.opaque", 0x0u, 0x89ea8154u},
		{"overlay.opaque", 0x1u, 0x616bec83u},
		{"overlay.opaque", 0x25bbe08fu, 0x6ac5e2d0u},
		{"overlay.opaque", 0x25bbe090u, 0xf8dc99eau},
		{"overlay.opaque", 0x25bbe093u, 0x4ce0a7f4u},
		{"overlay.opaque", 0xffffffffu, 0x36070271u},
		{"selinux", 0x0u, 0x37f2761du},
		{"selinux", 0x25bbe08fu, 0xdbc098aau},
		{"selinux", 0xffffffffu, 0x05698d3eu},
		{"123456789012345", 0x0u, 0xda7b17e8u},
		{"123456789012345", 0x25bbe08fu, 0x43a2c576u},
		{"123456789012345", 0xffffffffu, 0x0c5d469bu},
		{"1234567890123456", 0x0u, 0x03bf5152u},
		{"1234567890123456", 0x25bbe08fu, 0xf33a535cu},
		{"1234567890123456", 0xffffffffu, 0x7af44607u},
		{"12345678901234567", 0x0u, 0xc6bc7cfcu},
		{"12345678901234567", 0x25bbe08fu, 0x0c5a9053u},
		{"12345678901234567", 0xffffffffu, 0xb06456ddu},
		{"The quick brown fox jumps over the lazy dog", 0x0u, 0xe85ea4deu},
		{"The quick brown fox jumps over the lazy dog", 0x25bbe08fu, 0xe9613f02u},
		{"The quick brown fox jumps over the lazy dog", 0xffffffffu, 0x5a2a0096u},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal(vectors[i].hash,
				 xxh32(span_of_string(vectors[i].text), vectors[i].seed));
}

/* Every length up to 256 bytes, each hash the seed of the next: one number judges all. */
static void hashes_every_length(void **state)
{
	uint8_t bytes[256];
	uint32_t hash = 0;

	(void)state;
	for (unsigned int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)(i * 7 + 255);
	for (size_t size = 0; size <= 256; size++)
		hash = xxh32(span_of(bytes, size), hash);
	assert_int_equal(0x5da5f1bfu, hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_as_libxxhash_does),
		cmocka_unit_test(hashes_every_length),
	};

	return cmocka_run_group_tests_name("erofs/xxh32", tests, NULL, NULL);
}
