/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The table, that is. That the kernel takes the ids: serve/mounted.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fuse/backing.h"

#define MANY 3000

static struct {
	uint32_t calls;
	uint64_t nodeid;
	int result;
	int fd; /* given out, when not -1 */
} opener;

static int open_file(void *context, uint64_t nodeid, int *ret_fd)
{
	assert_ptr_equal(context, &opener);
	opener.calls++;
	opener.nodeid = nodeid;
	*ret_fd = opener.fd;
	return opener.result;
}

static int open_one(struct backings *backings, uint64_t nodeid)
{
	int32_t id = 12345;
	int r = backings_open(backings, nodeid, open_file, &opener, &id);

	if (r == 0)
		assert_int_equal(BACKING_NONE, id); /* there is no FUSE here to give one */
	return r;
}

static int set_up(void **state)
{
	(void)state;
	memset(&opener, 0, sizeof(opener));
	opener.fd = -1;
	return 0;
}

static void a_file_is_opened_with_the_first_opening_only(void **state)
{
	struct backings *backings;

	(void)state;
	assert_int_equal(0, backings_new(-1, &backings));
	for (int i = 0; i < 5; i++)
		assert_int_equal(0, open_one(backings, 42));
	assert_int_equal(1, opener.calls);
	assert_int_equal(42, opener.nodeid);
	for (int i = 0; i < 4; i++)
		backings_release(backings, 42);
	assert_int_equal(0, open_one(backings, 42));
	assert_int_equal(1, opener.calls);
	for (int i = 0; i < 9; i++)
		backings_release(backings, 42); /* more than there were */
	assert_int_equal(0, open_one(backings, 42));
	assert_int_equal(2, opener.calls);
	backings_free(backings);
}

static void an_error_leaves_nothing_behind(void **state)
{
	struct backings *backings;

	(void)state;
	assert_int_equal(0, backings_new(-1, &backings));
	opener.result = -ENOENT;
	assert_int_equal(-ENOENT, open_one(backings, 42));
	opener.result = 0;
	assert_int_equal(0, open_one(backings, 42));
	assert_int_equal(2, opener.calls);
	backings_free(backings);
}

static void a_file_the_kernel_does_not_take_is_closed_and_read_by_read(void **state)
{
	struct backings *backings;

	(void)state;
	assert_int_equal(0, backings_new(-1, &backings));
	opener.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(0, open_one(backings, 42));
	assert_true(fcntl(opener.fd, F_GETFD) < 0);
	backings_free(backings);
}

/* Removal moves others: each has to be found again, whatever goes first. */
static void many_come_and_go_in_any_order(void **state)
{
	struct backings *backings;
	uint32_t opened = 0;

	(void)state;
	assert_int_equal(0, backings_new(-1, &backings));
	for (uint64_t i = 0; i < MANY; i++, opened++)
		assert_int_equal(0, open_one(backings, 2 + i * 3));
	for (uint64_t i = 0; i < MANY; i++)
		assert_int_equal(0, open_one(backings, 2 + i * 3));
	assert_int_equal(opened, opener.calls);
	for (uint64_t i = 0; i < MANY; i += 2) {
		backings_release(backings, 2 + i * 3);
		backings_release(backings, 2 + i * 3);
	}
	for (uint64_t i = 1; i < MANY; i += 2)
		assert_int_equal(0, open_one(backings, 2 + i * 3));
	assert_int_equal(opened, opener.calls);
	for (uint64_t i = 0; i < MANY; i += 2, opened++)
		assert_int_equal(0, open_one(backings, 2 + i * 3));
	assert_int_equal(opened, opener.calls);
	backings_free(backings);
}

static void there_is_an_end_to_them(void **state)
{
	struct backings *backings;

	(void)state;
	assert_int_equal(0, backings_new(-1, &backings));
	for (uint64_t i = 0; i < BACKINGS_MAX; i++)
		assert_int_equal(0, open_one(backings, i + 1));
	assert_int_equal(-ENFILE, open_one(backings, BACKINGS_MAX + 1));
	assert_int_equal(0, open_one(backings, 7)); /* open already */
	backings_free(backings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_file_is_opened_with_the_first_opening_only, set_up),
		cmocka_unit_test_setup(an_error_leaves_nothing_behind, set_up),
		cmocka_unit_test_setup(a_file_the_kernel_does_not_take_is_closed_and_read_by_read,
				       set_up),
		cmocka_unit_test_setup(many_come_and_go_in_any_order, set_up),
		cmocka_unit_test_setup(there_is_an_end_to_them, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
