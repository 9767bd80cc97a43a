/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <sys/utsname.h>

#include "base/diag.h"
#include "oci/platform.h"

static struct oci_platform platform(const char *text)
{
	struct oci_platform platform;
	struct diag why = {0};

	assert_ok(oci_platform_parse(text, &platform, &why), &why);
	return platform;
}

static unsigned int match(const char *wanted, const char *found)
{
	struct oci_platform a = platform(wanted), b = platform(found);

	return oci_platform_match(&a, &b);
}

static void a_platform_is_read_and_written(void **state)
{
	static const char *const good[] = {"linux/amd64", "linux/arm/v7", "windows/amd64"};
	char text[PLATFORM_TEXT_SIZE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct oci_platform parsed = platform(good[i]);

		assert_string_equal(good[i], oci_platform_text(&parsed, text));
	}
}

static void what_is_no_platform_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  "linux",
					  "linux/",
					  "/amd64",
					  "linux//v7",
					  "linux/arm/",
					  "linux/arm/v7/x",
					  "linux/arm/v7/",
					  "Linux/amd64",
					  "linux/a md",
					  "linux/aaaaaaaaaabbbbbbbbbbccccccccccdd"};
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct oci_platform parsed = {.os = "x"};

		assert_int_equal(-EINVAL, oci_platform_parse(bad[i], &parsed, &why));
		assert_string_equal("x", parsed.os);
	}
}

static void variants_fall_back_to_older_ones_only(void **state)
{
	(void)state;
	assert_int_equal(0, match("linux/amd64", "linux/arm64"));
	assert_int_equal(0, match("linux/amd64", "windows/amd64"));
	assert_true(match("linux/amd64", "linux/amd64") > match("linux/amd64", "linux/amd64/v1"));
	assert_true(match("linux/amd64", "linux/amd64/v1") > 0);
	assert_int_equal(0, match("linux/amd64", "linux/amd64/v2"));
	assert_true(match("linux/amd64/v3", "linux/amd64/v2") >
		    match("linux/amd64/v3", "linux/amd64/v1"));
	assert_true(match("linux/amd64/v3", "linux/amd64/v1") >
		    match("linux/amd64/v3", "linux/amd64"));
	assert_true(match("linux/amd64/v3", "linux/amd64") > 0);

	assert_true(match("linux/arm/v7", "linux/arm/v7") > match("linux/arm/v7", "linux/arm/v6"));
	assert_true(match("linux/arm/v7", "linux/arm/v6") > match("linux/arm/v7", "linux/arm/v5"));
	assert_int_equal(0, match("linux/arm/v7", "linux/arm/v8"));
	assert_true(match("linux/arm", "linux/arm/v7") > match("linux/arm", "linux/arm/v6"));
	assert_int_equal(0, match("linux/arm", "linux/arm/v8"));
	assert_true(match("linux/arm64/v8", "linux/arm64") > 0);
	assert_true(match("linux/arm64", "linux/arm64/v8") > 0);
}

static void variants_that_nobody_knows_serve_only_themselves(void **state)
{
	(void)state;
	assert_true(match("linux/riscv64/rva23", "linux/riscv64/rva23") > 0);
	assert_true(match("linux/riscv64/rva23", "linux/riscv64") > 0);
	assert_int_equal(0, match("linux/riscv64", "linux/riscv64/rva23"));
	assert_int_equal(0, match("linux/amd64/v3", "linux/amd64/v9"));
	assert_int_equal(0, match("linux/amd64/v9", "linux/amd64/v3"));
}

static void the_host_is_served_by_its_own_architecture(void **state)
{
	struct oci_platform host;
	struct utsname name;

	(void)state;
	oci_platform_host(&host);
	assert_string_equal("linux", host.os);
	assert_int_equal(0, uname(&name));
	if (strcmp(name.machine, "x86_64") == 0)
		assert_string_equal("amd64", host.architecture);
	if (strcmp(name.machine, "aarch64") == 0)
		assert_string_equal("arm64", host.architecture);
	assert_true(oci_platform_match(&host, &host) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_platform_is_read_and_written),
		cmocka_unit_test(what_is_no_platform_is_refused),
		cmocka_unit_test(variants_fall_back_to_older_ones_only),
		cmocka_unit_test(variants_that_nobody_knows_serve_only_themselves),
		cmocka_unit_test(the_host_is_served_by_its_own_architecture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
