/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "ops/runtime_failure.h"

static const struct row {
	const char *log;
	int status;
} rows[] = {
	{"", 0},
	{"\n\n", 0},
	/* crun 1.8 */
	{"executable file `nope` not found in $PATH: No such file or directory\n", 127},
	{"executable file `/no/such` not found in $PATH: No such file or directory", 127},
	{"open executable: Permission denied\n", 126},
	{"open executable: Operation not permitted\n", 126},
	{"exec container process `/bin/garbage`: Exec format error\n", 126},
	{"mount `/x` to `y`: No such file or directory\n", 125},
	{"setrlimit `RLIMIT_NOFILE`: Operation not permitted\n", 125},
	{"executable file `nope` not found in $PATH: No such file or directory\n"
	 "cannot remove cgroup\n",
	 127},
	/* runc 1.1 */
	{"time=\"t\" level=error msg=\"runc run failed: unable to start container process: exec: "
	 "\\\"nope\\\": executable file not found in $PATH\"\n",
	 127},
	{"time=\"t\" level=error msg=\"runc run failed: unable to start container process: exec: "
	 "\\\"/no/such\\\": stat /no/such: no such file or directory\"\n",
	 127},
	{"time=\"t\" level=error msg=\"runc run failed: unable to start container process: exec: "
	 "\\\"/etc/passwd\\\": permission denied\"\n",
	 126},
	{"time=\"t\" level=error msg=\"runc run failed: invalid mount\"\n", 125},
	{"time=\"t\" level=warning msg=\"exec: not found\"\n", 0},
};

static void failures_have_podmans_statuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = runtime_failure_status(span_of_string(rows[i].log));

		if (status != rows[i].status)
			fail_msg("%d, not %d: %s", status, rows[i].status, rows[i].log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_have_podmans_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
