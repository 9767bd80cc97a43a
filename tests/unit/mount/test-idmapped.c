/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/idmap.h"
#include "mount/attach.h"
#include "mount/fsids.h"
#include "mount/idmapped.h"
#include "mount/mountinfo.h"
#include "mount/overlay.h"
#include "mount/overlay_private.h"
#include "mount/staging.h"
#include "mount/userns_maps.h"

static int userns_open(const char *map)
{
	struct idmaps maps = {0};
	struct diag why = {0};

	need_userns();
	expect_ok(idmap_add_list(&maps.uids, map, &why), &why);
	maps.gids = maps.uids;
	return expect_ok(userns_make(&maps, &why), &why);
}

static int directory_make(const char *name)
{
	int fd;

	expect(chdir(isolate_dir) == 0 && mkdir(name, 0755) == 0);
	fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	expect(fd >= 0);
	return fd;
}

/* A test that its build folder's file system has no id maps for is skipped. */
static int idmapped_or_skip(int r, const struct diag *why)
{
	if (r == -EOPNOTSUPP)
		isolate_skip("idmap", why->text);
	return r;
}

static void owner_expect(int dir, const char *name, uid_t uid)
{
	struct stat st;

	expect(fstatat(dir, name, &st, AT_EMPTY_PATH) == 0);
	expect(st.st_uid == uid && st.st_gid == uid);
}

static void body_clone(void)
{
	int userns = userns_open("0:100000:1000"), dir = directory_make("dir"), clone;
	struct diag why = {0};

	file_make(dir, "root", "r");
	file_make(dir, "other", "o");
	expect(fchownat(dir, "other", 5000, 5000, 0) == 0);
	clone = idmapped_or_skip(mount_idmap_clone(dir, userns, 0, &why), &why);
	expect_ok(clone, &why);
	owner_expect(clone, "root", 100000);
	owner_expect(clone, "other", 65534);
	owner_expect(dir, "root", 0);
	expect(fchownat(clone, "root", 100007, 100007, 0) == 0);
	owner_expect(dir, "root", 7);
	expect(mount_is_attached(clone, &why) == 0);
	fd_close(clone);
	clone = expect_ok(mount_idmap_clone(dir, userns, MOUNT_ATTR_RDONLY, &why), &why);
	expect(fchownat(clone, "root", 100001, 100001, 0) < 0 && errno == EROFS);
	fd_close(clone);
	fd_close(dir);
	fd_close(userns);
}

static void a_clone_shows_owners_by_the_map(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_clone);
}

static void body_refused(void)
{
	int userns = userns_open("0:100000:1000"), dir = directory_make("dir"), clone, proc, target;
	struct mount_entry entry = {0};
	struct diag why = {0};

	clone = idmapped_or_skip(mount_idmap_clone(dir, userns, 0, &why), &why);
	expect_ok(clone, &why);
	target = expect_ok(mount_target_open("dir", &why), &why);
	expect_ok(mount_attach(clone, target, &why), &why);
	fd_close(clone);
	fd_close(target);
	target = expect_ok(mount_target_open("dir", &why), &why);
	expect(mount_idmap_clone(target, userns, 0, &why) == -EPERM);
	expect_text(why.text, "has an id map already");
	fd_close(target);
	expect_ok(mount_entry_at("dir", &entry, &why), &why);
	expect(mount_entry_is_idmapped(&entry) && !mount_entry_is_ours(&entry));
	mount_entry_release(&entry);
	expect_ok(mount_detach("dir", &(struct mount_detach_options){0}, &why), &why);

	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	expect(mount_idmap_clone(proc, userns, 0, &why) == -EOPNOTSUPP);
	expect_text(why.text, "type proc cannot be idmapped");
	fd_close(proc);
	fd_close(dir);
	fd_close(userns);
}

static void refusals_say_what_is_in_the_way(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_refused);
}

/* Its root may mount, but the file system is the host's. */
static void body_userns(void)
{
	int dir = directory_make("dir"), userns = userns_open("0:0:1"), tmpfs;
	struct diag why = {0};

	expect(mount_idmap_clone(dir, userns, 0, &why) == -EPERM);
	expect_text(why.text, "CAP_SYS_ADMIN in the user namespace that owns the file system");
	tmpfs = tmpfs_make();
	if (mount_idmap(tmpfs, userns, &why) == -EOPNOTSUPP)
		isolate_skip("idmap", why.text);
	fd_close(tmpfs);
	fd_close(userns);
	fd_close(dir);
}

static void file_systems_of_the_host_are_not_a_users_to_map(void **state)
{
	(void)state;
	isolated(AS_USER_IN_USERNS, body_userns);
}

static void body_pair(void)
{
	int userns = userns_open("0:100000:1000");
	CLEAN(idmapped_pair_release) struct idmapped_pair pair = IDMAPPED_PAIR_EMPTY;
	struct diag why = {0};
	int above, upper, work;

	/* Whoever the way leads through: the map need not have him. */
	above = directory_make("above");
	expect(mkdirat(above, "closed", 0700) == 0 &&
	       fchownat(above, "closed", 9999, 9999, 0) == 0);
	upper = directory_make("above/closed/upper");
	work = directory_make("above/work");
	expect_ok(idmapped_or_skip(mount_idmap_pair(upper, work, userns, &pair, &why), &why), &why);
	owner_expect(pair.upper_fd, "", 100000);
	owner_expect(pair.work_fd, "", 100000);
	owner_expect(upper, "", 0);
	expect(mount_is_attached(pair.mount_fd, &why) == 0);
	idmapped_pair_release(&pair);

	expect(mount_idmap_pair(upper, upper, userns, &pair, &why) == -EINVAL);
	expect(mount_idmap_pair(above, work, userns, &pair, &why) == -EINVAL);
	expect_text(why.text, "one is in the other");
	fd_close(above);
	fd_close(work);
	expect(mkdir("elsewhere", 0755) == 0);
	expect(mount("tmpfs", "elsewhere", "tmpfs", 0, NULL) == 0);
	work = directory_make("elsewhere/work");
	expect(mount_idmap_pair(upper, work, userns, &pair, &why) == -EXDEV);
	expect_text(why.text, "/mnt/test/elsewhere");
	fd_close(work);
	expect(umount2("elsewhere", MNT_DETACH) == 0);
	fd_close(upper);
	fd_close(userns);
}

static void a_pair_stays_on_one_mount(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_pair);
}

/* The paths of the descriptors lead elsewhere: to what was mounted over them. */
static void body_covered(void)
{
	int userns = userns_open("0:100000:1000");
	struct idmapped_pair pair = IDMAPPED_PAIR_EMPTY;
	struct diag why = {0};
	int above = directory_make("above"), upper = directory_make("above/upper"),
	    work = directory_make("above/work");

	expect(mount("tmpfs", "above", "tmpfs", 0, NULL) == 0);
	expect(mount_idmap_pair(upper, work, userns, &pair, &why) == -ESTALE);
	expect_text(why.text, "covers");
	expect(umount("above") == 0);
	fd_close(above);
	fd_close(upper);
	fd_close(work);
	fd_close(userns);
}

static void a_pair_is_not_looked_for_on_another_mount(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_covered);
}

static int overlay_on(const struct idmapped_pair *pair, const struct fsids *mounter, int lower,
		      struct diag *why)
{
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;

	options.lower_fds = &lower;
	options.lower_count = 1;
	options.upper_fd = pair->upper_fd;
	options.work_fd = pair->work_fd;
	options.upper_mount_fd = pair->mount_fd;
	options.mounter = mounter;
	return overlay_mount(&options, why);
}

static void body_overlay(void)
{
	const struct fsids mounter = {.uid = 100000, .gid = 100000};
	int userns = userns_open("0:100000:1000"), lower = directory_make("lower"),
	    upper = directory_make("upper"), work = directory_make("work"), fd;
	struct idmapped_pair pair = IDMAPPED_PAIR_EMPTY;
	struct fsids_saved saved = {0};
	struct diag why = {0};

	expect_ok(idmapped_or_skip(mount_idmap_pair(upper, work, userns, &pair, &why), &why), &why);
	/* Nobody whom the map has: the kernel would make it read-only, and not tell. */
	expect(overlay_on(&pair, NULL, lower, &why) == -EROFS);
	expect_text(why.text, "it would be read-only");
	fd = expect_ok(overlay_on(&pair, &mounter, lower, &why), &why);
	expect(geteuid() == 0);
	expect_ok(fsids_enter(&mounter, &saved, &why), &why);
	file_make(fd, "new", "text");
	fsids_leave(&saved);
	owner_expect(upper, "new", 0);
	owner_expect(fd, "new", 100000);
	fd_close(fd);
	idmapped_pair_release(&pair);
	fd_close(lower);
	fd_close(upper);
	fd_close(work);
	fd_close(userns);
}

static void an_overlay_writes_through_the_map_or_says_that_it_cannot(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_overlay);
}

/* What overlay_mount() comes to before Linux 6.15: layers attached for a moment, given by path. */
static void body_staged(void)
{
	const struct fsids mounter = {.uid = 100000, .gid = 100000};
	int userns = userns_open("0:100000:1000"), lower = directory_make("lower"),
	    upper = directory_make("upper"), work = directory_make("work"), clone, fd;
	struct overlay_options options = OVERLAY_OPTIONS_EMPTY;
	struct idmapped_pair pair = IDMAPPED_PAIR_EMPTY;
	struct staging *staged = NULL;
	struct diag why = {0};
	bool understood;

	file_make(lower, "old", "text");
	expect_ok(idmapped_or_skip(mount_idmap_pair(upper, work, userns, &pair, &why), &why), &why);
	clone = expect_ok(mount_idmap_clone(lower, userns, 0, &why), &why);
	expect_ok(staging_attach(&staged, pair.mount_fd, &why), &why);
	expect_ok(staging_attach(&staged, clone, &why), &why);
	options.lower_fds = &clone;
	options.lower_count = 1;
	options.upper_fd = pair.upper_fd;
	options.work_fd = pair.work_fd;
	options.mounter = &mounter;
	fd = expect_ok(overlay_mount_as(OVERLAY_BY_PATH, &options, &understood, &why), &why);
	staging_release(&staged);
	fd_close(clone);
	idmapped_pair_release(&pair);
	file_expect(fd, "old", "text");
	expect(fchownat(fd, "old", 100007, 100007, 0) == 0);
	owner_expect(upper, "old", 7);
	owner_expect(lower, "old", 0);
	fd_close(fd);
	fd_close(lower);
	fd_close(upper);
	fd_close(work);
	fd_close(userns);
}

static void layers_may_be_staged(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_staged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clone_shows_owners_by_the_map),
		cmocka_unit_test(refusals_say_what_is_in_the_way),
		cmocka_unit_test(file_systems_of_the_host_are_not_a_users_to_map),
		cmocka_unit_test(a_pair_stays_on_one_mount),
		cmocka_unit_test(a_pair_is_not_looked_for_on_another_mount),
		cmocka_unit_test(an_overlay_writes_through_the_map_or_says_that_it_cannot),
		cmocka_unit_test(layers_may_be_staged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
