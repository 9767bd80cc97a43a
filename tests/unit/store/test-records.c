/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "store/record.h"
#include "store/records.h"

struct fixture {
	char path[64];
	int fd;
};

static int make_folder(void **state)
{
	static struct fixture fixture;

	(void)snprintf(fixture.path, sizeof(fixture.path), "/tmp/records-test-XXXXXX");
	if (!mkdtemp(fixture.path))
		return -1;
	fixture.fd = open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &fixture;
	return fixture.fd < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
	struct fixture *fixture = *state;
	char command[96];

	fd_close(fixture->fd);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", fixture->path);
	return system(command);
}

static struct mount_record sample(void)
{
	struct mount_record record = {
		.mode = RECORD_KERNEL,
		.image = (char *)"name",
		.target = (char *)"/srv/mnt",
	};

	assert_int_equal(0, record_id_make(record.id));
	memcpy(record.boot, "03c6532c-9ec6-4eee-a85d-8c7cfc655302", RECORD_BOOT_SIZE);
	return record;
}

static struct records *records_of(struct fixture *fixture)
{
	struct records *records = NULL;
	struct diag why = {0};

	assert_ok(records_open(fixture->fd, RECORDS_LOCK_PARENT, true, &records, &why), &why);
	return records;
}

struct seen {
	int count;
	int error;
	char ids[8][RECORD_ID_SIZE];
	char target[64];
};

static int see(void *context, const struct record_entry *entry, struct diag *why)
{
	struct seen *seen = context;

	(void)why;
	assert_true(seen->count < 8);
	memcpy(seen->ids[seen->count++], entry->id, RECORD_ID_SIZE);
	if (entry->record)
		(void)snprintf(seen->target, sizeof(seen->target), "%s", entry->record->target);
	else
		seen->error = entry->error;
	assert_int_equal(geteuid(), entry->owner);
	return 0;
}

static struct seen see_all(struct records *records)
{
	struct seen seen = {0};
	struct diag why = {0};

	assert_ok(records_each(records, see, &seen, &why), &why);
	return seen;
}

static void are_listed_oldest_first_until_they_are_removed(void **state)
{
	struct records *records = records_of(*state);
	struct mount_record one = sample(), two = sample();
	struct diag why = {0};
	struct seen seen;

	assert_ok(records_put(records, &two, &why), &why);
	assert_ok(records_put(records, &one, &why), &why);
	seen = see_all(records);
	assert_int_equal(2, seen.count);
	assert_string_equal(one.id, seen.ids[0]);
	assert_string_equal(two.id, seen.ids[1]);
	assert_ok(records_remove(records, one.id, &why), &why);
	assert_int_equal(-ENOENT, records_remove(records, one.id, &why));
	assert_int_equal(1, see_all(records).count);
	records_close(records);
}

static void a_record_is_replaced_in_its_place(void **state)
{
	struct records *records = records_of(*state);
	struct mount_record record = sample();
	struct diag why = {0};
	struct seen seen;

	assert_ok(records_put(records, &record, &why), &why);
	record.target = (char *)"/srv/other";
	assert_ok(records_put(records, &record, &why), &why);
	seen = see_all(records);
	assert_int_equal(1, seen.count);
	assert_string_equal("/srv/other", seen.target);
	records_close(records);
}

static void file_put(struct fixture *fixture, const char *id, const void *bytes, size_t size)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "lamina/mounts/%s.json", id);
	fd = openat(fixture->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(0, fd_write(fd, bytes, size));
	fd_close(fd);
}

static void what_cannot_be_read_is_told_and_hangs_nobody(void **state)
{
	static const char id[] = "00000000000000000000000000000000";
	struct fixture *fixture = *state;
	struct records *records = records_of(fixture);
	size_t size = RECORD_SIZE_MAX + 1;
	char *large = malloc(size);
	char path[128];

	assert_non_null(large);
	memset(large, ' ', size);
	file_put(fixture, id, "", 0);
	assert_int_equal(-EUCLEAN, see_all(records).error);
	file_put(fixture, id, large, size);
	assert_int_equal(-EUCLEAN, see_all(records).error);
	free(large);
	(void)snprintf(path, sizeof(path), "lamina/mounts/%s.json", id);
	assert_int_equal(0, unlinkat(fixture->fd, path, 0));
	assert_int_equal(0, mkfifoat(fixture->fd, path, 0600));
	assert_int_equal(-EUCLEAN, see_all(records).error);
	assert_int_equal(0, unlinkat(fixture->fd, path, 0));
	records_close(records);
}

static void a_record_under_another_name_is_not_that_mount(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = records_of(fixture);
	struct mount_record record = sample();
	char from[128];
	struct diag why = {0};

	assert_ok(records_put(records, &record, &why), &why);
	(void)snprintf(from, sizeof(from), "lamina/mounts/%s.json", record.id);
	assert_int_equal(0, renameat(fixture->fd, from, fixture->fd,
				     "lamina/mounts/ffffffffffffffffffffffffffffffff.json"));
	assert_int_equal(-EUCLEAN, see_all(records).error);
	records_close(records);
}

static void other_names_are_passed_over_and_drafts_tidied(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = records_of(fixture);

	assert_int_equal(0, mkdirat(fixture->fd, "lamina/mounts/.tmp-object-dir", 0700));
	assert_int_equal(
		0, symlinkat("/etc/passwd", fixture->fd, "lamina/mounts/.tmp-object-abcdefghijkl"));
	assert_int_equal(0, symlinkat("x", fixture->fd, "lamina/mounts/README"));
	assert_int_equal(0, see_all(records).count);
	records_tidy_locked(records);
	assert_int_equal(-1, faccessat(fixture->fd, "lamina/mounts/.tmp-object-abcdefghijkl", F_OK,
				       AT_SYMLINK_NOFOLLOW));
	assert_int_equal(0,
			 faccessat(fixture->fd, "lamina/mounts/README", F_OK, AT_SYMLINK_NOFOLLOW));
	records_close(records);
}

static void a_link_in_place_of_the_folder_is_not_followed(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = NULL;
	struct diag why = {0};

	assert_int_equal(-ENOENT,
			 records_open(fixture->fd, RECORDS_LOCK_PARENT, false, &records, &why));
	assert_int_equal(0, symlinkat("/tmp", fixture->fd, "lamina"));
	assert_true(records_open(fixture->fd, RECORDS_LOCK_PARENT, true, &records, &why) < 0);
	assert_null(records);
}

static void the_lock_is_the_repositorys(void **state)
{
	struct fixture *fixture = *state;
	struct records *one = records_of(fixture), *two = records_of(fixture);
	struct diag why = {0};

	assert_ok(records_share(one, &why), &why);
	assert_ok(records_share(two, &why), &why);
	assert_int_equal(-EBUSY, records_lock_alone(two, &why));
	assert_int_equal(-1, flock(fixture->fd, LOCK_EX | LOCK_NB));
	records_unlock(one);
	assert_ok(records_lock_alone(two, &why), &why);
	assert_int_equal(-1, flock(fixture->fd, LOCK_SH | LOCK_NB));
	records_close(two);
	assert_ok(records_share(one, &why), &why);
	records_close(one);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(are_listed_oldest_first_until_they_are_removed),
		TEST(a_record_is_replaced_in_its_place),
		TEST(what_cannot_be_read_is_told_and_hangs_nobody),
		TEST(a_record_under_another_name_is_not_that_mount),
		TEST(other_names_are_passed_over_and_drafts_tidied),
		TEST(a_link_in_place_of_the_folder_is_not_followed),
		TEST(the_lock_is_the_repositorys),
	};

	return cmocka_run_group_tests_name("store/records", tests, NULL, NULL);
}
