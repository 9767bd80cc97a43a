/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "lazy_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/contents.h"

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
		cmocka_unit_test_setup_teardown(contents_have_their_digest_for_a_name, make,
						unmake),
	};

	return cmocka_run_group_tests_name("store/contents", tests, NULL, NULL);
}
