/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/fd.h"
#include "mount/context.h"
#include "mount/features.h"
#include "mount/fuse.h"
#include "mount/fusermount.h"
#include "mount/loop.h"
#include "mount/overlay.h"

static void body_complete(void)
{
	for (int id = 0; id < MOUNT_FEATURE_COUNT; id++) {
		const struct mount_feature *feature = mount_feature((enum mount_feature_id)id);

		(void)printf("# %s: %s\n", feature->name,
			     feature->available ? "yes" : feature->why.text);
		expect(feature->name[0] && feature->summary[0]);
		expect(feature->available == (feature->error == 0));
		expect(feature->available == (feature->why.text[0] == '\0'));
		expect(feature == mount_feature((enum mount_feature_id)id));
	}
}

static void every_row_is_a_yes_or_a_reason(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_complete);
	isolated(AS_USER, body_complete);
	isolated(AS_USER_IN_USERNS, body_complete);
}

static bool overlay_works(bool data, bool userxattr)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	int layers[] = {tmpfs_make(), tmpfs_make()};
	int fd;

	options.lower_fds = layers;
	options.lower_count = data ? 1 : 2;
	options.data_fds = data ? layers + 1 : NULL;
	options.data_count = data ? 1 : 0;
	options.userxattr = userxattr;
	fd = overlay_mount(&options, NULL);
	fd_close(fd);
	fd_close(layers[0]);
	fd_close(layers[1]);
	return fd >= 0;
}

static bool fuse_works(void)
{
	struct fuse_mount_options options = {.user_id = geteuid(), .group_id = getegid()};
	int device = fuse_device_open(NULL);
	int fd = device < 0 ? -1 : fuse_mount(device, &options, NULL);

	fd_close(fd);
	fd_close(device);
	return fd >= 0;
}

static void body_mounts(void)
{
	expect(overlay_works(false, false) == mount_has(MOUNT_FEATURE_OVERLAY));
	expect(overlay_works(true, false) == mount_has(MOUNT_FEATURE_OVERLAY_DATA));
	expect(overlay_works(true, true) == mount_has(MOUNT_FEATURE_OVERLAY_USER_DATA));
	expect(fuse_works() ==
	       (mount_has(MOUNT_FEATURE_FUSE_DEVICE) && mount_has(MOUNT_FEATURE_FUSE)));
}

static void what_is_said_to_work_works(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_mounts);
	isolated(AS_USER_IN_USERNS, body_mounts);
}

/* What no kernel allows, and what every kernel allows. */
static void body_root(void)
{
	expect(mount_has(MOUNT_FEATURE_MOUNT));
}

static void body_user(void)
{
	static const enum mount_feature_id denied[] = {
		MOUNT_FEATURE_MOUNT,   MOUNT_FEATURE_EROFS,        MOUNT_FEATURE_FUSE,
		MOUNT_FEATURE_OVERLAY, MOUNT_FEATURE_OVERLAY_DATA, MOUNT_FEATURE_OVERLAY_USER_DATA,
	};

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		expect(!mount_has(denied[i]));
		expect(mount_feature(denied[i])->error == -EPERM ||
		       mount_feature(denied[i])->error == -EOPNOTSUPP);
	}
}

static void body_userns(void)
{
	expect(mount_has(MOUNT_FEATURE_MOUNT));
	expect(!mount_has(MOUNT_FEATURE_EROFS));
	expect(!mount_has(MOUNT_FEATURE_OVERLAY_DATA));
}

static void each_identity_learns_what_it_may(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_root);
	isolated(AS_USER, body_user);
	isolated(AS_USER_IN_USERNS, body_userns);
}

static void body_forget(void)
{
	expect(mount_has(MOUNT_FEATURE_MOUNT));
	expect(seteuid(TEST_UID) == 0);
	expect(mount_has(MOUNT_FEATURE_MOUNT));
	mount_features_forget();
	expect(!mount_has(MOUNT_FEATURE_MOUNT));
	expect(seteuid(0) == 0); /* or the leak checker cannot attach */
}

static void keeps_an_answer_until_told_to_forget(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_forget);
}

static void *ask_all(void *unused)
{
	uintptr_t sum = 0;

	(void)unused;
	for (int id = 0; id < MOUNT_FEATURE_COUNT; id++) {
		const struct mount_feature *feature = mount_feature((enum mount_feature_id)id);

		sum += (uintptr_t)feature->available << id;
	}
	return (void *)sum;
}

static void body_threads(void)
{
	pthread_t threads[4];
	void *first = NULL;

	for (size_t i = 0; i < 4; i++)
		expect(pthread_create(&threads[i], NULL, ask_all, NULL) == 0);
	for (size_t i = 0; i < 4; i++) {
		void *sum;

		expect(pthread_join(threads[i], &sum) == 0);
		expect(i == 0 || sum == first);
		first = sum;
	}
}

static void threads_may_ask_at_once(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_a_yes_or_a_reason),
		cmocka_unit_test(what_is_said_to_work_works),
		cmocka_unit_test(each_identity_learns_what_it_may),
		cmocka_unit_test(keeps_an_answer_until_told_to_forget),
		cmocka_unit_test(threads_may_ask_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
