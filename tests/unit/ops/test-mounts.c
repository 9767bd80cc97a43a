/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "mount/process.h"
#include "ops/mounts.h"
#include "store/record.h"
#include "store/records.h"
#include "store/store.h"

/* A repository with one object that may be an image, and nobody's run-time folder. */
struct fixture {
	char path[64];
	char object[256];
	struct store *store;
	struct records *records;
	struct digest image;
};

static int make_repository(void **state)
{
	static struct fixture fixture;
	const struct store_config config = {.algorithm = DIGEST_SHA256, .erofs_version = 1};
	char rest[DIGEST_PATH_SIZE_MAX];
	int fd;

	memset(&fixture, 0, sizeof(fixture));
	(void)setenv("LAMINA_RUNTIME_DIR", "/nowhere", 1); /* the machine's has records of others */
	(void)snprintf(fixture.path, sizeof(fixture.path), "/tmp/mounts-test-XXXXXX");
	if (!mkdtemp(fixture.path) || store_init(fixture.path, &config, NULL) < 0 ||
	    store_open(fixture.path, &fixture.store, NULL) < 0 ||
	    records_open(store_dir_fd(fixture.store), RECORDS_LOCK_PARENT, true, &fixture.records,
			 NULL) < 0)
		return -1;
	fixture.image.algorithm = DIGEST_SHA256;
	memset(fixture.image.bytes, 7, 32);
	(void)snprintf(fixture.object, sizeof(fixture.object), "%s/objects/07", fixture.path);
	if (mkdir(fixture.object, 0755) < 0)
		return -1;
	(void)snprintf(fixture.object, sizeof(fixture.object), "%s/objects/%s", fixture.path,
		       digest_path(&fixture.image, rest));
	fd = open(fixture.object, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	fd_close(fd);
	*state = &fixture;
	return fd < 0 ? -1 : 0;
}

static int remove_repository(void **state)
{
	struct fixture *fixture = *state;
	char command[96];

	records_close(fixture->records);
	store_close(fixture->store);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", fixture->path);
	return system(command);
}

/* Of a mount that this process serves, in this mount namespace, that is not there. */
static struct mount_record sample(const struct fixture *fixture)
{
	struct process_identity self = process_identify(getpid());
	struct mount_record record = {
		.mode = RECORD_STANDALONE,
		.image = (char *)"name",
		.digest = fixture->image,
		.target = (char *)"/nowhere",
		.server_pid = getpid(),
		.server_start = self.start,
		.pid_namespace = self.pid_namespace,
		.mount_namespace = namespace_inode("mnt"),
		.mount_id = 0x7fffffff,
	};

	assert_int_equal(0, record_id_make(record.id));
	assert_int_equal(0, boot_id_read(record.boot, NULL));
	return record;
}

static void put(struct fixture *fixture, const struct mount_record *record)
{
	struct diag why = {0};

	assert_ok(records_put(fixture->records, record, &why), &why);
}

static int needs(struct fixture *fixture)
{
	return mounts_need_image(fixture->store, &fixture->image, NULL);
}

static void an_image_that_a_live_server_shows_is_needed(void **state)
{
	struct fixture *fixture = *state;
	struct mount_record record = sample(fixture);
	struct digest other = fixture->image;

	assert_int_equal(0, needs(fixture));
	put(fixture, &record);
	assert_int_equal(1, needs(fixture));
	other.bytes[0]++;
	assert_int_equal(0, mounts_need_image(fixture->store, &other, NULL));
	assert_int_equal(0, mounts_sweep_locked(fixture->store, NULL));
	assert_int_equal(1, needs(fixture));
}

static void an_image_is_not_needed_by_what_is_stale(void **state)
{
	struct fixture *fixture = *state;
	struct mount_record reused = sample(fixture), rebooted = sample(fixture),
			    kernel = sample(fixture);

	need("proc", reused.server_start > 0, "/proc is not of this PID namespace");
	reused.server_start--;
	put(fixture, &reused);
	rebooted.boot[0] = rebooted.boot[0] == '0' ? '1' : '0';
	put(fixture, &rebooted);
	kernel.mode = RECORD_KERNEL;
	kernel.server_pid = 0;
	put(fixture, &kernel);
	assert_int_equal(0, needs(fixture));
	assert_int_equal(3, mounts_sweep_locked(fixture->store, NULL));
	assert_int_equal(0, mounts_sweep_locked(fixture->store, NULL));
}

static void what_cannot_be_told_counts_as_needed(void **state)
{
	struct fixture *fixture = *state;
	struct mount_record record = sample(fixture);
	char path[256];
	int fd;

	/* A PID namespace that we know nothing of, but that it is not this one. Root of the machine
	 * sees that nobody is in it. */
	record.pid_namespace = 0;
	put(fixture, &record);
	assert_int_equal(1, needs(fixture));
	assert_int_equal(0, mounts_sweep_locked(fixture->store, NULL));
	assert_int_equal(0, records_remove(fixture->records, record.id, NULL));

	/* Written today by who knows whom; from before the boot it is what a power loss left. */
	(void)snprintf(path, sizeof(path), "%s/lamina/mounts/00000000000000000000000000000000.json",
		       fixture->path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(1, needs(fixture));
	assert_int_equal(0, mounts_sweep_locked(fixture->store, NULL));
	assert_int_equal(0, futimens(fd, (struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}}));
	fd_close(fd);
	assert_int_equal(0, needs(fixture));
	assert_int_equal(1, mounts_sweep_locked(fixture->store, NULL));
}

static void an_image_that_is_open_is_needed_without_a_record(void **state)
{
	struct fixture *fixture = *state;
	struct mount_record kernel = sample(fixture);
	int fd = open(fixture->object, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(1, needs(fixture));
	/* A kernel mount that is gone from here may be elsewhere. */
	kernel.mode = RECORD_KERNEL;
	kernel.server_pid = 0;
	put(fixture, &kernel);
	assert_int_equal(0, mounts_sweep_locked(fixture->store, NULL));
	fd_close(fd);
	assert_int_equal(0, needs(fixture));
	assert_int_equal(1, mounts_sweep_locked(fixture->store, NULL));
}

static int count_entry(void *context, const struct record_entry *entry, struct diag *why)
{
	(void)entry;
	(void)why;
	(*(int *)context)++;
	return 0;
}

static int records_count(const struct fixture *fixture)
{
	int count = 0;

	assert_int_equal(0, records_each(fixture->records, count_entry, &count, NULL));
	return count;
}

static void records_are_swept_only_while_nobody_mounts(void **state)
{
	struct fixture *fixture = *state;
	struct mount_record record = sample(fixture);

	record.boot[0] = record.boot[0] == '0' ? '1' : '0';
	put(fixture, &record);
	/* The store is open: that is the shared lock. Not the count: root's own folder is swept,
	 * too. */
	assert_true(mounts_sweep(fixture->path, NULL) >= 0);
	assert_int_equal(1, records_count(fixture));
	store_closep(&fixture->store);
	assert_true(mounts_sweep(fixture->path, NULL) >= 1);
	assert_int_equal(0, records_count(fixture));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_repository, remove_repository)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_image_that_a_live_server_shows_is_needed),
		TEST(an_image_is_not_needed_by_what_is_stale),
		TEST(what_cannot_be_told_counts_as_needed),
		TEST(an_image_that_is_open_is_needed_without_a_record),
		TEST(records_are_swept_only_while_nobody_mounts),
	};

	return cmocka_run_group_tests_name("ops/mounts", tests, NULL, NULL);
}
