/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "mount/subids.h"

/* The ranges as "start+count start+count". */
static const char *shown(const struct subids *ids)
{
	static char text[256];
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < ids->count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u+%u", i ? " " : "",
					 ids->ranges[i].start, ids->ranges[i].count);
	return text;
}

static void finds_the_ranges_of_a_user(void **state)
{
	static const struct {
		const char *text;
		const char *found; /* by user "me", uid 1000 */
	} cases[] = {
		{"", ""},
		{"me:100000:65536\n", "100000+65536"},
		{"me:100000:65536", "100000+65536"},
		{"you:1:2\nme:100000:65536\n", "100000+65536"},
		{"1000:100000:65536\n", "100000+65536"},
		{"01000:5:6\n", "5+6"},
		{"me:200000:10\n1000:100000:65536\nme:7:1\n", "200000+10 100000+65536 7+1"},
		/* neighbours stay two */
		{"me:100:50\nme:150:50\n", "100+50 150+50"},
		/* given twice, or in part */
		{"me:100:50\nme:100:50\n", "100+50"},
		{"me:100:50\nme:149:2\nme:99:2\nme:150:1\nme:1:200\n", "100+50 150+1"},
		/* the last id is 2^32 - 2 */
		{"me:4294967294:1\n", "4294967294+1"},
		{"me:4294967294:2\nme:4294967295:1\n", ""},
		{"me:0:4294967295\n", "0+4294967295"},
		{"me:1:4294967295\nme:4294967296:1\nme:1:99999999999999999999999\n", ""},
		/* other forms */
		{"me:1:0\nme:1\nme\nme:\nme::\nme:::\n:1:2\n\n", ""},
		{"me:1:2:3\nme:1:2 \nme: 1:2\nme:-1:2\nme:0x1:2\nme:1:2\r\n#me:1:2\n", ""},
		{" me:1:2\nmee:1:2\nm:1:2\n10000:1:2\n100:1:2\n", ""},
		{"4294968296:1:2\n-1000:1:2\n+1000:1:2\n", ""},
		{"bad\nme:1:2\n", "1+2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct subids ids;

		assert_int_equal(
			0, subids_parse(span_of_string(cases[i].text), "me", 1000, &ids, NULL));
		assert_string_equal(cases[i].found, shown(&ids));
	}
}

static void a_nul_or_other_bytes_are_no_name(void **state)
{
	struct subids ids;

	(void)state;
	assert_int_equal(0, subids_parse(SPAN_LITERAL("me\0:1:2\n\377\376:1:2\nme:1:2\0\n"), "me",
					 1000, &ids, NULL));
	assert_int_equal(0, ids.count);
}

static void no_name_and_no_uid_find_nothing(void **state)
{
	const struct span text = SPAN_LITERAL("me:1:2\n:3:4\n4294967295:5:6\n0:7:8\n");
	struct subids ids;

	(void)state;
	assert_int_equal(0, subids_parse(text, NULL, (uid_t)-1, &ids, NULL));
	assert_int_equal(0, ids.count);
	assert_int_equal(0, subids_parse(text, NULL, 0, &ids, NULL));
	assert_string_equal("7+8", shown(&ids));
}

static void takes_as_many_ranges_as_can_be_mapped(void **state)
{
	CLEAN(buf_release) struct buf text = {0};
	struct diag why = {0};
	struct subids ids = {.count = 77};

	(void)state;
	for (int i = 0; i < SUBIDS_RANGE_MAX; i++)
		assert_int_equal(0, buf_printf(&text, "me:%d:1\n", 2 * i));
	assert_int_equal(0, subids_parse(buf_span(&text), "me", 1000, &ids, &why));
	assert_int_equal(SUBIDS_RANGE_MAX, ids.count);
	assert_int_equal(0, buf_printf(&text, "me:%d:1\n", 2 * SUBIDS_RANGE_MAX));
	ids.count = 77;
	assert_int_equal(-E2BIG, subids_parse(buf_span(&text), "me", 1000, &ids, &why));
	assert_non_null(strstr(why.text, "340 ranges"));
	assert_int_equal(77, ids.count);
}

static void reads_files(void **state)
{
	char path[] = "/tmp/subids-test-XXXXXX";
	int fd = mkstemp(path);
	struct diag why = {0};
	struct subids ids = {.count = 77};

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(0, fd_write(fd, "me:100000:65536\n", 16));
	assert_int_equal(0, subids_read(path, "me", 1, &ids, &why));
	assert_string_equal("100000+65536", shown(&ids));
	assert_int_equal(0, ftruncate(fd, SUBIDS_SIZE_MAX + 1));
	assert_int_equal(-E2BIG, subids_read(path, "me", 1, &ids, &why));
	assert_non_null(strstr(why.text, path));
	fd_close(fd);
	assert_int_equal(0, unlink(path));
	assert_int_equal(0, subids_read(path, "me", 1, &ids, NULL));
	assert_int_equal(0, ids.count);
	assert_int_equal(-ENOTDIR, subids_read("/dev/null/subuid", "me", 1, &ids, &why));
	assert_non_null(strstr(why.text, "/dev/null/subuid"));
	assert_int_equal(-EISDIR, subids_read("/", "me", 1, &ids, &why));
}

static void users_have_names_or_none(void **state)
{
	CLEAN(memory_freep) char *root = subids_user_name(0);
	CLEAN(memory_freep) char *nobody = subids_user_name(4000000000U);

	(void)state;
	assert_string_equal("root", root);
	assert_null(nobody);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_ranges_of_a_user),
		cmocka_unit_test(a_nul_or_other_bytes_are_no_name),
		cmocka_unit_test(no_name_and_no_uid_find_nothing),
		cmocka_unit_test(takes_as_many_ranges_as_can_be_mapped),
		cmocka_unit_test(reads_files),
		cmocka_unit_test(users_have_names_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
