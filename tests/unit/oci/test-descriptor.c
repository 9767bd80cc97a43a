/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "oci/descriptor.h"

#define HEX "5118919cc453352968579aeed8fcc26c7a75759de579722a0f90ed5aaf85bd7d"

static int parse(const char *text, struct digest *ret)
{
	return oci_digest_parse(span_of_string(text), ret);
}

static void a_digest_is_read_and_written(void **state)
{
	struct digest digest;
	char text[OCI_DIGEST_SIZE_MAX];

	(void)state;
	assert_int_equal(0, parse("sha256:" HEX, &digest));
	assert_string_equal("sha256:" HEX, oci_digest_text(&digest, text));
	assert_int_equal(0, parse("sha512:" HEX HEX, &digest));
	assert_string_equal("sha512:" HEX HEX, oci_digest_text(&digest, text));
}

static void what_is_no_digest_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"sha256",
		"sha256:",
		HEX,
		"sha512:" HEX,
		"sha256:" HEX "00",
		"md5:" HEX,
		"sha256:5118919CC453352968579aeed8fcc26c7a75759de"
		"579722a0f90ed5aaf85bd7d",
		"sha256:5118919gc453352968579aeed8fcc26c7a75759de579722a0f"
		"90ed5aaf85bd7d",
		"../../" HEX};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct digest digest = {.algorithm = 77};

		assert_int_equal(-EUCLEAN, parse(bad[i], &digest));
		assert_int_equal(77, digest.algorithm);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_digest_is_read_and_written),
		cmocka_unit_test(what_is_no_digest_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
