/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "mount/fsids.h"

static const struct fsids other = {.uid = 100000, .gid = 100001};

static uint32_t effective(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	expect(syscall(SYS_capget, &header, data) == 0);
	return data[0].effective;
}

static void owner_expect(const char *name, uid_t uid, gid_t gid)
{
	struct stat st;
	int dir = open(isolate_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	expect(dir >= 0);
	file_make(dir, name, "");
	expect(fstatat(dir, name, &st, 0) == 0 && st.st_uid == uid && st.st_gid == gid);
	fd_close(dir);
}

static void body_enter_and_leave(void)
{
	uint32_t before = effective();
	struct fsids_saved saved = {0};
	struct diag why = {0};

	expect_ok(fsids_enter(&other, &saved, &why), &why);
	expect(effective() == before);
	owner_expect("theirs", 100000, 100001);
	expect(geteuid() == 0);
	errno = EXDEV;
	fsids_leave(&saved);
	expect(errno == EXDEV);
	expect(effective() == before);
	expect(setfsuid((uid_t)-1) == 0 && setfsgid((gid_t)-1) == 0);
	expect(prctl(PR_GET_DUMPABLE) == 1);
	owner_expect("ours", 0, 0);
	fsids_leave(&saved); /* nothing to leave */
	expect(setfsuid((uid_t)-1) == 0);
}

static void files_belong_to_them_and_capabilities_stay(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_enter_and_leave);
}

static void body_refused(void)
{
	uid_t uid = (uid_t)setfsuid((uid_t)-1);
	uint32_t before = effective();
	struct fsids_saved saved = {0};
	struct diag why = {0};

	expect(fsids_enter(&other, &saved, &why) == -EPERM);
	expect_text(why.text, "100000:100001");
	expect(!saved.is_entered);
	expect(effective() == before);
	expect((uid_t)setfsuid((uid_t)-1) == uid);
	expect(prctl(PR_GET_DUMPABLE) == 1);
}

static void a_refusal_changes_nothing(void **state)
{
	(void)state;
	isolated(AS_USER, body_refused);
}

/* Root there, but nobody else exists. */
static void ids_that_do_not_exist_are_refused(void **state)
{
	(void)state;
	isolated(AS_USER_IN_USERNS, body_refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_belong_to_them_and_capabilities_stay),
		cmocka_unit_test(a_refusal_changes_nothing),
		cmocka_unit_test(ids_that_do_not_exist_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
