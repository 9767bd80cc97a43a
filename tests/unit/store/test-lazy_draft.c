/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "lazy_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_not_committed_goes, make, unmake),
	};

	return cmocka_run_group_tests_name("store/lazy_draft", tests, NULL, NULL);
}
