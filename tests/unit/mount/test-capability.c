/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolate.h"
#include "mount/capability.h"

static void effective_drop_all(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	expect(syscall(SYS_capset, &header, none) == 0);
}

static void body_root(void)
{
	expect(capability_has(CAP_SYS_ADMIN));
	expect(capability_has(CAP_SYSLOG)); /* of the second word of the set */
	expect(capability_can_gain(CAP_SYS_ADMIN));
	expect(prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0) == 0);
	expect(capability_has(CAP_SYS_ADMIN));
	expect(!capability_can_gain(CAP_SYS_ADMIN));
	expect(capability_can_gain(CAP_SETUID));
	effective_drop_all();
	expect(!capability_has(CAP_SYS_ADMIN));
	expect(!capability_has_initial(CAP_SETUID));
	expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	expect(!capability_can_gain(CAP_SETUID));
}

static void root_has_what_was_not_dropped(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_has_what_was_not_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
