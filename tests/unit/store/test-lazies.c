/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "store/lazies.h"
#include "store/store.h"
#include "verity/sha.h"

struct fixture {
	char path[64];
	struct store *store;
	struct digest first;
	struct digest second;
};

static int make(void **state)
{
	static struct fixture fixture;
	const struct store_config config = {.algorithm = DIGEST_SHA256, .erofs_version = 1};
	struct diag why = {0};

	(void)snprintf(fixture.path, sizeof(fixture.path), "/tmp/lazies-test-XXXXXX");
	if (!mkdtemp(fixture.path) || store_init(fixture.path, &config, &why) < 0 ||
	    store_open(fixture.path, &fixture.store, &why) < 0)
		return -1;
	(void)sha_of(DIGEST_SHA256, SPAN_LITERAL("1"), &fixture.first, NULL);
	(void)sha_of(DIGEST_SHA512, SPAN_LITERAL("2"), &fixture.second, NULL);
	*state = &fixture;
	return 0;
}

static int unmake(void **state)
{
	struct fixture *fixture = *state;
	char command[96];

	store_closep(&fixture->store);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", fixture->path);
	return system(command);
}

static void folder_make(const struct fixture *fixture, const struct digest *manifest,
			const char *text)
{
	CLEAN(lazy_draft_release) struct lazy_draft draft = LAZY_DRAFT_NONE;
	struct diag why = {0};

	assert_ok(lazy_draft_open(fixture->store, &draft, &why), &why);
	assert_ok(lazy_draft_file(&draft, "file", span_of_string(text), &why), &why);
	assert_int_equal(0, mkdirat(draft.fd, "files", 0755));
	/* not before it is whole */
	if (strcmp(text, "one") == 0)
		assert_int_equal(-ENOENT, lazy_folder_open(fixture->store, manifest, &why));
	assert_ok(lazy_draft_commit(&draft, manifest, &why), &why);
}

static int count_one(void *context, const struct digest *manifest, struct diag *why)
{
	(void)manifest;
	(void)why;
	(*(int *)context)++;
	return 0;
}

static int count_of(const struct fixture *fixture)
{
	int count = 0;

	assert_int_equal(0, lazies_each(fixture->store, count_one, &count, NULL));
	return count;
}

static void a_folder_is_there_once_it_is_whole(void **state)
{
	const struct fixture *fixture = *state;
	struct diag why = {0};
	char text[4] = "";
	int fd, file;

	assert_int_equal(0, count_of(fixture));
	folder_make(fixture, &fixture->first, "one");
	/* the one that was there first stays */
	folder_make(fixture, &fixture->first, "two");
	folder_make(fixture, &fixture->second, "three");
	assert_int_equal(2, count_of(fixture));
	fd = lazy_folder_open(fixture->store, &fixture->first, &why);
	assert_true(fd >= 0);
	file = openat(fd, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(3, fd_read(file, text, 3));
	assert_string_equal("one", text);
	fd_close(file);
	fd_close(fd);
}

static void a_folder_that_is_used_stays(void **state)
{
	const struct fixture *fixture = *state;
	struct diag why = {0};
	int fd;

	folder_make(fixture, &fixture->first, "two");
	assert_int_equal(1, lazy_folder_is_idle(fixture->store, &fixture->first, &why));
	fd = lazy_folder_open(fixture->store, &fixture->first, &why);
	assert_true(fd >= 0);
	assert_int_equal(0, lazy_folder_is_idle(fixture->store, &fixture->first, &why));
	assert_int_equal(-EBUSY, lazy_folder_remove(fixture->store, &fixture->first, &why));
	fd_close(fd);
	assert_ok(lazy_folder_remove(fixture->store, &fixture->first, &why), &why);
	assert_int_equal(-ENOENT, lazy_folder_is_idle(fixture->store, &fixture->first, &why));
	assert_int_equal(-ENOENT, lazy_folder_open(fixture->store, &fixture->first, &why));
	assert_int_equal(0, lazy_folder_remove(fixture->store, &fixture->first, &why));
}

static int note_tag(void *context, const char *tag, const struct digest *manifest, struct diag *why)
{
	(void)why;
	assert_int_equal(DIGEST_SHA512, manifest->algorithm);
	(void)snprintf(context, 64, "%s", tag);
	return 7;
}

static void tags_lead_to_manifests(void **state)
{
	static const char tag[] = "localhost:5000/a/b%:c";
	const struct fixture *fixture = *state;
	struct digest found;
	struct diag why = {0};
	char seen[64];

	assert_int_equal(-ENOENT, lazy_name_get(fixture->store, tag, &found));
	assert_int_equal(-ENOENT, lazy_name_remove(fixture->store, tag, &why));
	assert_ok(lazy_name_set(fixture->store, tag, &fixture->first, &why), &why);
	assert_ok(lazy_name_set(fixture->store, tag, &fixture->second, &why), &why);
	assert_ok(lazy_name_get(fixture->store, tag, &found), &why);
	assert_true(digest_equal(&fixture->second, &found));
	assert_int_equal(7, lazy_names_each(fixture->store, note_tag, seen, &why));
	assert_string_equal(tag, seen);
	assert_ok(lazy_name_remove(fixture->store, tag, &why), &why);
	assert_int_equal(-ENOENT, lazy_name_get(fixture->store, tag, &found));
}

static void what_was_not_committed_goes(void **state)
{
	const struct fixture *fixture = *state;
	struct lazy_draft draft;
	struct diag why = {0};
	char path[128];

	/* as of a process that is killed */
	assert_ok(lazy_draft_open(fixture->store, &draft, &why), &why);
	assert_ok(lazy_draft_file(&draft, "file", SPAN_LITERAL("x"), &why), &why);
	(void)snprintf(path, sizeof(path), "%s/lamina/lazy/%s", fixture->path, draft.name);
	assert_int_equal(0, access(path, F_OK));
	fd_close(draft.fd);
	fd_close(draft.parent_fd);
	lazies_tidy_locked(fixture->store);
	assert_int_equal(-1, access(path, F_OK));
}

static void contents_have_their_digest_for_a_name(void **state)
{
	const struct fixture *fixture = *state;
	struct contents_draft *draft;
	struct diag why = {0};
	char path[DIGEST_PATH_SIZE_MAX + 8] = "files/";
	int fd, files;

	folder_make(fixture, &fixture->first, "two");
	fd = lazy_folder_open(fixture->store, &fixture->first, &why);
	files = openat(fd, "files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 2; i++) { /* a second one finds the first there */
		assert_ok(contents_draft_open(files, &draft, &why), &why);
		assert_int_equal(0, fd_write(contents_draft_fd(draft), "1", 1));
		assert_ok(contents_draft_link(draft, &fixture->first, &why), &why);
		contents_draft_close(draft);
	}
	(void)digest_path(&fixture->first, path + 6);
	assert_int_equal(0, faccessat(fd, path, R_OK, 0));
	assert_int_equal(0, contents_link(fd, "file", files, &fixture->second));
	(void)digest_path(&fixture->second, path + 6);
	assert_int_equal(0, faccessat(fd, path, R_OK, 0));
	assert_int_equal(-ENOENT, contents_link(fd, "nothing", files, &fixture->first));
	fd_close(files);
	fd_close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_folder_is_there_once_it_is_whole, make, unmake),
		cmocka_unit_test_setup_teardown(a_folder_that_is_used_stays, make, unmake),
		cmocka_unit_test_setup_teardown(tags_lead_to_manifests, make, unmake),
		cmocka_unit_test_setup_teardown(what_was_not_committed_goes, make, unmake),
		cmocka_unit_test_setup_teardown(contents_have_their_digest_for_a_name, make,
						unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
