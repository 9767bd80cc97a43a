/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <ftw.h>
#include <sched.h>
#include <sys/stat.h>

#include "fuse/cpus.h"
#include "fuse/session.h"

static char root[] = "cpus-test-XXXXXX";

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static int remove_root(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Write text to a file below root, with its directories. */
static void put(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	(void)snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *slash = strchr(full, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(0, fclose(file));
}

static bool limited(const char *groups)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s", groups);
	return cgroup_is_limited(root, text);
}

static void a_quota_of_any_group_above_counts(void **state)
{
	(void)state;
	put("user.slice/cpu.max", "50000 100000\n");
	put("user.slice/a/cpu.max", "max 100000\n");
	put("free.slice/cpu.max", "max 100000\n");
	assert_true(limited("0::/user.slice/a\n"));
	assert_true(limited("0::/user.slice/a/b/c\n"));
	assert_false(limited("0::/free.slice/x\n"));
	assert_false(limited("0::/\n"));
	put("cpu/old/cpu.cfs_quota_us", "20000\n");
	put("cpu/free/cpu.cfs_quota_us", "-1\n");
	assert_true(limited("9:pids:/old\n1:cpu,cpuacct:/old/er\n0::/\n"));
	assert_false(limited("9:pids:/old\n1:cpu:/free\n0::/\n"));
	assert_false(limited("9:cpuset:/old\n"));
	put("cpu.max", "1000 100000\n"); /* of a cgroup namespace's root */
	assert_true(limited("0::/\n"));
}

static void nonsense_is_no_limit(void **state)
{
	(void)state;
	assert_false(limited(""));
	assert_false(limited("::::\n:\n0:\n\n"));
	assert_false(limited("0:nothing"));
}

static void the_kernel_has_a_queue_for_each_cpu(void **state)
{
	int cpus[CPU_SETSIZE];
	unsigned int count = cpus_usable(cpus, CPU_SETSIZE);

	(void)state;
	assert_true(count > 0);
	assert_true(fuse_queue_count() > (unsigned int)cpus[count - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonsense_is_no_limit),
		cmocka_unit_test(a_quota_of_any_group_above_counts),
		cmocka_unit_test(the_kernel_has_a_queue_for_each_cpu),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
