/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <jansson.h>

#include "base/diag.h"
#include "oci/seccomp.h"

static const char *const capabilities[] = {"CAP_CHOWN", "CAP_SYS_CHROOT", NULL};

static const struct seccomp_host host = {
	.platform = {.os = "linux", .architecture = "amd64"},
	.kernel_major = 6,
	.kernel_minor = 1,
	.capabilities = capabilities,
};

/* What becomes of it, in one line without blanks. The caller frees it. */
static char *applied(const char *profile, const struct seccomp_host *to)
{
	json_t *made = NULL;
	struct diag why = {0};
	char *text;

	assert_ok(seccomp_profile_apply(span_of_string(profile), to, &made, &why), &why);
	text = json_dumps(made, JSON_COMPACT);
	json_decref(made);
	assert_non_null(text);
	return text;
}

static void assert_applied(const char *profile, const char *expected)
{
	char *text = applied(profile, &host);

	assert_string_equal(expected, text);
	free(text);
}

#define HEAD "{\"defaultAction\":\"SCMP_ACT_ERRNO\","
#define ONE(condition) \
	HEAD "\"syscalls\":[{\"names\":[\"chroot\"],\"action\":\"SCMP_ACT_ALLOW\"" condition "}]}"
#define COUNTS HEAD "\"syscalls\":[{\"names\":[\"chroot\"],\"action\":\"SCMP_ACT_ALLOW\"}]}"
#define COUNTS_NOT "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}"

static void rules_count_by_capability_architecture_and_kernel(void **state)
{
	(void)state;
	assert_applied(ONE(""), COUNTS);
	assert_applied(ONE(",\"includes\":{},\"excludes\":{}"), COUNTS);
	assert_applied(ONE(",\"includes\":{\"caps\":[\"CAP_SYS_CHROOT\"]}"), COUNTS);
	assert_applied(ONE(",\"includes\":{\"caps\":[\"CAP_SYS_CHROOT\",\"CAP_SYS_ADMIN\"]}"),
		       COUNTS_NOT);
	assert_applied(ONE(",\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}"), COUNTS);
	assert_applied(ONE(",\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_CHOWN\"]}"),
		       COUNTS_NOT);
	assert_applied(ONE(",\"includes\":{\"arches\":[\"x32\",\"amd64\"]}"), COUNTS);
	assert_applied(ONE(",\"includes\":{\"arches\":[\"arm64\"]}"), COUNTS_NOT);
	assert_applied(ONE(",\"excludes\":{\"arches\":[\"arm64\",\"amd64\"]}"), COUNTS_NOT);
	assert_applied(ONE(",\"includes\":{\"minKernel\":\"4.8\"}"), COUNTS);
	assert_applied(ONE(",\"includes\":{\"minKernel\":\"6.1\"}"), COUNTS);
	assert_applied(ONE(",\"includes\":{\"minKernel\":\"6.2\"}"), COUNTS_NOT);
	assert_applied(ONE(",\"excludes\":{\"minKernel\":\"6.2\"}"), COUNTS);
	assert_applied(ONE(",\"excludes\":{\"minKernel\":\"5.10\"}"), COUNTS_NOT);
	/* one that does not hold is enough */
	assert_applied(ONE(",\"includes\":{\"arches\":[\"amd64\"],\"caps\":[\"CAP_SYS_TIME\"]}"),
		       COUNTS_NOT);
}

static void rules_keep_their_arguments_and_errors(void **state)
{
	(void)state;
	assert_applied(HEAD "\"syscalls\":[{\"name\":\"personality\",\"action\":\"SCMP_ACT_ALLOW\","
			    "\"comment\":\"\","
			    "\"args\":[{\"index\":0,\"value\":4294967295,\"valueTwo\":1,\"op\":"
			    "\"SCMP_CMP_MASKED_EQ\"},"
			    "{\"index\":5,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		       HEAD
		       "\"syscalls\":[{\"names\":[\"personality\"],\"action\":\"SCMP_ACT_ALLOW\","
		       "\"args\":[{\"index\":0,\"value\":4294967295,\"op\":\"SCMP_"
		       "CMP_MASKED_EQ\",\"valueTwo\":1},"
		       "{\"index\":5,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}]}");
	assert_applied(ONE(",\"errnoRet\":1"),
		       HEAD "\"syscalls\":[{\"names\":[\"chroot\"],\"action\":\"SCMP_ACT_ALLOW\","
			    "\"errnoRet\":1}]}");
	/* the name before the number, which is another machine's */
	assert_applied("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":89,"
		       "\"defaultErrno\":\"ENOENT\"}",
		       "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":2}");
	assert_applied("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"38\"}",
		       "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38}");
}

static void architectures_are_the_hosts_and_those_below(void **state)
{
#define MAP                                                                                      \
	HEAD "\"archMap\":[{\"architecture\":\"SCMP_ARCH_AARCH64\",\"subArchitectures\":["       \
	     "\"SCMP_ARCH_ARM\"]},{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[" \
	     "\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]}]}"
	struct seccomp_host other = host;
	char *text;

	(void)state;
	assert_applied(MAP, HEAD "\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\","
				 "\"SCMP_ARCH_X32\"]}");
	(void)snprintf(other.platform.architecture, sizeof(other.platform.architecture), "riscv64");
	text = applied(MAP, &other);
	assert_string_equal(COUNTS_NOT, text);
	free(text);
	assert_applied(
		HEAD
		"\"architectures\":[\"SCMP_ARCH_X86\"],\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]}",
		HEAD
		"\"architectures\":[\"SCMP_ARCH_X86\"],\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"]}");
}

static void what_is_not_understood_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"defaultAction\":\"SCMP_ACT_PERMIT\"}",
		"{\"defaultAction\":1}",
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"EWHAT\"}",
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":-1}",
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}",
		HEAD "\"syscalls\":{}}",
		HEAD "\"syscalls\":[1]}",
		HEAD "\"syscalls\":[{\"action\":\"SCMP_ACT_ALLOW\"}]}",
		HEAD "\"syscalls\":[{\"names\":[1],\"action\":\"SCMP_ACT_ALLOW\"}]}",
		HEAD
		"\"syscalls\":[{\"name\":\"a\",\"names\":[\"b\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
		HEAD "\"syscalls\":[{\"names\":[\"b\"],\"action\":\"ALLOW\"}]}",
		HEAD "\"architectures\":[\"SCMP_ARCH_X86\"],\"archMap\":[{\"architecture\":\"SCMP_"
		     "ARCH_X86\"}]}",
		HEAD "\"archMap\":[{}]}",
		ONE(",\"includes\":{\"minKernel\":\"6\"}"),
		ONE(",\"includes\":{\"minKernel\":\"6.1.2\"}"),
		ONE(",\"includes\":{\"minKernel\":6}"),
		ONE(",\"includes\":{\"caps\":\"CAP_CHOWN\"}"),
		ONE(",\"includes\":{\"caps\":[null]}"),
		ONE(",\"includes\":[]"),
		ONE(",\"args\":[1]"),
		ONE(",\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
		ONE(",\"args\":[{\"index\":0,\"value\":0,\"op\":\"EQ\"}]"),
		ONE(",\"args\":[{\"index\":0,\"value\":-1,\"op\":\"SCMP_CMP_EQ\"}]"),
		ONE(",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
		/* also where the rule does not count here */
		ONE(",\"includes\":{\"arches\":[\"arm64\"]},\"errno\":\"EWHAT\""),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct diag why = {0};
		json_t *made = NULL;

		if (seccomp_profile_apply(span_of_string(bad[i]), &host, &made, &why) != -EUCLEAN)
			fail_msg("taken: %s", bad[i]);
		assert_null(made);
		assert_int_not_equal(0, why.text[0]);
	}
}

static void this_machine_has_a_kernel(void **state)
{
	struct seccomp_host found = {.capabilities = capabilities};

	(void)state;
	seccomp_host_find(&found);
	assert_true(found.kernel_major >= 3);
	assert_int_not_equal(0, found.platform.architecture[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_count_by_capability_architecture_and_kernel),
		cmocka_unit_test(rules_keep_their_arguments_and_errors),
		cmocka_unit_test(architectures_are_the_hosts_and_those_below),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(this_machine_has_a_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
