/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <stdint.h>
#include <sys/statvfs.h>

#include "base/diag.h"
#include "base/limits.h"
#include "in_transaction.h"
#include "store/objects.h"
#include "store/store.h"

/* Of the file system below the folder; 0: it does not say. */
static uint64_t free_bytes(void)
{
	struct statvfs st;

	assert_int_equal(0, statvfs(folder, &st));
	return st.f_blocks ? (uint64_t)st.f_bfree * st.f_frsize : 0;
}

static void what_fits_is_let_through(void **state)
{
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, transaction_check_room(transaction, 0, &why));
	assert_int_equal(0, transaction_check_room(transaction, ROOM_CHECK_SIZE_MIN - 1, &why));
	/* Others write here, too. */
	assert_int_equal(0, transaction_check_room(transaction, free_bytes() / 2, &why));
	assert_string_equal("", why.text);
}

static void what_no_disk_has_is_refused(void **state)
{
	struct diag why = {0};

	(void)state;
	need("statfs", free_bytes() > 0, "the file system does not say how much is free");
	assert_int_equal(-ENOSPC, transaction_check_room(transaction, INT64_MAX, &why));
	assert_non_null(strstr(why.text, "9223372036854775807 bytes, where the disk has "));
	assert_int_equal(-ENOSPC, transaction_check_room(transaction, UINT64_MAX, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_let_through),
		cmocka_unit_test(what_no_disk_has_is_refused),
	};

	return cmocka_run_group_tests_name("store/room", tests, setup, teardown);
}
