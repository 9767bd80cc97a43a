/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "tree/dump_read.h"
#include "tree/dump_write.h"
#include "tree/tree.h"

static int append(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

static void assert_written(const char *expected, const char *given)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf text = {0};
	struct diag why = {0};

	assert_ok(dump_read_span(span_of_string(given), NULL, &tree, &why), &why);
	assert_ok(dump_write(tree, append, &text, &why), &why);
	assert_string_equal(expected, buf_string(&text));
}

/* Text that is written comes back as it was. */
static void assert_kept(const char *text)
{
	assert_written(text, text);
}

static void writes_every_type(void **state)
{
	(void)state;
	assert_kept("/ 4096 40755 3 0 0 0 1.2 - - - security.selinux=x\n"
		    "/b 0 60644 1 0 0 4294967295 0.0 - - -\n"
		    "/c 0 20644 1 0 0 0 -9223372036854775808.4294967295 - - -\n"
		    "/d 27 41777 2 4294967295 1 0 0.0 - - -\n"
		    "/d/e 0 100644 4294967295 0 0 0 0.0 - - -\n"
		    "/e 9007199254740992 100644 1 0 0 0 0.0 - - -\n"
		    "/f 0 10644 1 0 0 0 0.0 - - -\n"
		    "/i 3 104644 1 0 0 0 0.0 - abc -\n"
		    "/l 2 120777 1 0 0 0 0.0 to - -\n"
		    "/s 0 140644 1 0 0 0 0.0 - - -\n"
		    "/x 7 100644 1 0 0 0 0.0 ab/cd - "
		    "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\n"
		    "/y 7 100644 1 0 0 0 0.0 - - "
		    "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
		    "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\n");
}

static void escapes_what_is_not_printable(void **state)
{
	(void)state;
	assert_written(
		"/ 0 40755 2 0 0 0 0.0 - - - a\\x3db=c\\x3dd\\\\\n"
		"/\\x01\\t\\n\\r\\x20!=~\\x7f\\xff\\\\ 4 100644 1 0 0 0 0.0 - =\\x00\\x20- -\n",
		"/ 0 40755 2 0 0 0 0.0 - - - a\\x3db=c=d\\\\\n"
		"/\x01\t\\n\r\\x20!=~\x7f\xff\\\\ 4 100644 1 0 0 0 0.0 - =\\x00\\x20- -\n");
}

static void escapes_a_lone_dash(void **state)
{
	(void)state;
	assert_kept("/ 0 40755 2 0 0 0 0.0 - - -\n"
		    "/- 1 100644 1 0 0 0 0.0 - \\x2d -\n"
		    "/a 2 100644 1 0 0 0 0.0 - -- -\n"
		    "/l 1 120777 1 0 0 0 0.0 \\x2d - -\n"
		    "/x 1 100644 1 0 0 0 0.0 \\x2d - - k=-\n");
}

static void goes_depth_first_in_byte_order(void **state)
{
	(void)state;
	assert_written("/ 0 40755 2 0 0 0 0.0 - - -\n"
		       "/- 0 100644 1 0 0 0 0.0 - - -\n"
		       "/a 0 40755 1 0 0 0 0.0 - - -\n"
		       "/a/b 0 40755 1 0 0 0 0.0 - - -\n"
		       "/a/b/c 0 100644 1 0 0 0 0.0 - - -\n"
		       "/a/d 0 100644 1 0 0 0 0.0 - - -\n"
		       "/a.b 0 100644 1 0 0 0 0.0 - - -\n",
		       "/ 0 40755 2 0 0 0 0.0 - - -\n"
		       "/a.b 0 100644 1 0 0 0 0.0 - - -\n"
		       "/a 0 40755 1 0 0 0 0.0 - - -\n"
		       "/a/d 0 100644 1 0 0 0 0.0 - - -\n"
		       "/a/b 0 40755 1 0 0 0 0.0 - - -\n"
		       "/- 0 100644 1 0 0 0 0.0 - - -\n"
		       "/a/b/c 0 100644 1 0 0 0 0.0 - - -\n");
}

/* The primary stays where it was, though the reference would make the first name it meets the
 * primary. */
static void links_to_the_primary_name(void **state)
{
	(void)state;
	assert_written("/ 0 40755 2 0 0 0 0.0 - - -\n"
		       "/a 3 @100644 7 0 0 0 0.0 /d\\x20/?\\x20 abc - k=v\n"
		       "/d\\x20 0 40755 1 0 0 0 0.0 - - -\n"
		       "/d\\x20/?\\x20 3 100644 7 0 0 0 0.0 - abc - k=v\n"
		       "/z 3 @100644 7 0 0 0 0.0 /d\\x20/?\\x20 abc - k=v\n",
		       "/ 0 40755 2 0 0 0 0.0 - - -\n"
		       "/d\\x20 0 40755 1 0 0 0 0.0 - - -\n"
		       "/a 0 @100644 1 0 0 0 0.0 /z - -\n"
		       "/z 0 @100644 1 0 0 0 0.0 /d\\x20/?\\x20 - -\n"
		       "/d\\x20/?\\x20 3 100644 7 0 0 0 0.0 - abc - k=v\n");
}

/* The first 128 that are shared come last, as in the inode of an image. */
static void lists_own_xattrs_before_shared_ones(void **state)
{
	CLEAN(buf_release) struct buf given = {0}, expected = {0};

	(void)state;
	assert_kept("/ 0 40755 2 0 0 0 0.0 - - - z=own a=1 c=2\n"
		    "/a 0 100644 1 0 0 0 0.0 - - - b=own a=1\n"
		    "/b 0 100644 1 0 0 0 0.0 - - - b=other c=2\n");

	for (unsigned int line = 0; line < 2; line++) {
		const char *head =
			line ? "/a 0 100644 1 0 0 0 0.0 - - -" : "/ 0 40755 2 0 0 0 0.0 - - -";

		assert_int_equal(0, buf_append_string(&given, head));
		assert_int_equal(0, buf_append_string(&expected, head));
		for (unsigned int i = 0; i < 131; i++)
			assert_int_equal(0, buf_printf(&given, " k%03u=v", i));
		for (unsigned int i = 0; i < 131; i++)
			assert_int_equal(0, buf_printf(&expected, " k%03u=v", (i + 128) % 131));
		assert_int_equal(0, buf_append_byte(&given, '\n'));
		assert_int_equal(0, buf_append_byte(&expected, '\n'));
	}
	assert_written(buf_string(&expected), buf_string(&given));
}

struct failing {
	size_t calls;
	size_t fail_at;
};

static int fail_sometimes(void *context, struct span bytes, struct diag *why)
{
	struct failing *failing = context;

	(void)bytes;
	if (++failing->calls == failing->fail_at)
		return diag_set(why, -ENOSPC, "full");
	return 0;
}

static void stops_at_the_first_failure_of_the_sink(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(buf_release) struct buf text = {0};
	struct diag why = {0};
	struct failing failing = {0};
	size_t calls;

	(void)state;
	assert_int_equal(0, buf_append_string(&text, "/ 0 40755 2 0 0 0 0.0 - - -\n"));
	for (unsigned int i = 0; i < 10000; i++)
		assert_int_equal(0, buf_printf(&text, "/%u 0 100644 1 0 0 0 0.0 - - -\n", i));
	assert_ok(dump_read_span(buf_span(&text), NULL, &tree, &why), &why);
	assert_ok(dump_write(tree, fail_sometimes, &failing, &why), &why);
	calls = failing.calls;
	assert_true(calls > 2);
	for (size_t i = 1; i <= calls; i++) {
		failing = (struct failing){.fail_at = i};
		why = (struct diag){0};
		assert_int_equal(-ENOSPC, dump_write(tree, fail_sometimes, &failing, &why));
		assert_string_equal("full", why.text);
		assert_int_equal(i, failing.calls);
	}
}

static void says_that_the_descriptor_is_full(void **state)
{
	CLEAN(fd_closep) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct diag why = {0};

	(void)state;
	assert_true(fd >= 0);
	assert_ok(dump_read_span(SPAN_LITERAL("/ 0 40755 2 0 0 0 0.0 - - -"), NULL, &tree, &why),
		  &why);
	assert_int_equal(-ENOSPC, dump_write_fd(tree, fd, &why));
	assert_true(why.text[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_every_type),
		cmocka_unit_test(escapes_what_is_not_printable),
		cmocka_unit_test(escapes_a_lone_dash),
		cmocka_unit_test(goes_depth_first_in_byte_order),
		cmocka_unit_test(links_to_the_primary_name),
		cmocka_unit_test(lists_own_xattrs_before_shared_ones),
		cmocka_unit_test(stops_at_the_first_failure_of_the_sink),
		cmocka_unit_test(says_that_the_descriptor_is_full),
	};

	return cmocka_run_group_tests_name("tree/dump_write", tests, NULL, NULL);
}
