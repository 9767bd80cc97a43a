/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "tree/compare.h"
#include "tree/dump_read.h"
#include "tree/tree.h"

#define HEAD "/ 0 40755 2 0 0 0 0.0 - - -\n"
#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "2222222222222222222222222222222222222222222222222222222222222222"

static struct tree *tree_of(const char *text)
{
	struct tree *tree = NULL;
	struct diag why = {0};

	assert_ok(dump_read_span(span_of_string(text), NULL, &tree, &why), &why);
	return tree;
}

static int note(void *context, const struct difference *difference, struct diag *why)
{
	struct buf *text = context;

	(void)why;
	(void)buf_printf(text, "%c %.*s", (char)difference->kind, (int)difference->path.size,
			 (const char *)difference->path.data);
	assert_int_equal(difference->kind == DIFFERENCE_CHANGED, difference->parts != 0);
	assert_int_equal(difference->kind == DIFFERENCE_ADDED, difference->a == NULL);
	assert_int_equal(difference->kind == DIFFERENCE_REMOVED, difference->b == NULL);
	for (unsigned int i = 0; i < DIFFERENCE_PART_COUNT; i++) {
		if (difference->parts & 1U << i)
			(void)buf_printf(text, " %s", difference_part_name(i));
	}
	return buf_append_byte(text, '\n');
}

static void assert_differences(const char *a, const char *b, const char *expected)
{
	CLEAN(tree_freep) struct tree *from = tree_of(a);
	CLEAN(tree_freep) struct tree *to = tree_of(b);
	CLEAN(buf_release) struct buf text = {0};

	assert_int_equal(0, tree_compare(from, to, note, &text, NULL));
	assert_string_equal(expected, buf_string(&text));
}

/* The one file of a tree, as two lines behind its name. */
static void assert_parts(const char *a, const char *b, const char *expected)
{
	char from[512], to[512], line[64] = "";

	(void)snprintf(from, sizeof(from), HEAD "/f %s\n", a);
	(void)snprintf(to, sizeof(to), HEAD "/f %s\n", b);
	if (expected[0])
		(void)snprintf(line, sizeof(line), "C /f %s\n", expected);
	assert_differences(from, to, line);
	assert_differences(to, from, line);
	assert_differences(from, from, "");
}

static void each_part_of_a_file_is_told(void **state)
{
	(void)state;
	assert_parts("1 100644 1 0 0 0 0.0 - X -", "1 100600 1 0 0 0 0.0 - X -", "mode");
	assert_parts("1 100644 1 0 0 0 0.0 - X -", "1 100644 1 1 0 0 0.0 - X -", "owner");
	assert_parts("1 100644 1 0 0 0 0.0 - X -", "1 100644 1 0 1 0 0.0 - X -", "owner");
	assert_parts("1 100644 1 0 0 0 0.0 - X -", "1 100644 1 0 0 0 1.0 - X -", "mtime");
	assert_parts("1 100644 1 0 0 0 0.0 - X -", "1 100644 1 0 0 0 0.1 - X -", "mtime");
	assert_parts("1 100644 1 0 0 0 0.0 - X -", "1 100644 1 0 0 0 0.0 - Y -", "content");
	assert_parts("1 100644 1 0 0 0 0.0 - X -", "2 100644 1 0 0 0 0.0 - XX -", "content");
	assert_parts("0 100644 1 0 0 0 0.0 - - -", "2 100644 1 0 0 0 0.0 - XX -", "content");
	assert_parts("1 100644 1 0 0 0 0.0 - X - user.a=1", "1 100644 1 0 0 0 0.0 - X - user.a=2",
		     "xattrs");
	assert_parts("1 100644 1 0 0 0 0.0 - X - user.a=1", "1 100644 1 0 0 0 0.0 - X - user.b=1",
		     "xattrs");
	assert_parts("1 100644 1 0 0 0 0.0 - X - user.a=1", "1 100644 1 0 0 0 0.0 - X -", "xattrs");
	assert_parts("1 100644 1 0 0 0 0.0 - X -", "1 100644 2 0 0 0 0.0 - X -", "links");
	assert_parts("1 100644 1 0 0 0 0.0 - X -", "1 100600 2 1 0 0 1.0 - Y - user.a=1",
		     "mode owner mtime content xattrs links");
}

static void contents_outside_are_compared_by_digest_or_else_by_place(void **state)
{
	(void)state;
	assert_parts("9 100644 1 0 0 0 0.0 a - " D1, "9 100644 1 0 0 0 0.0 a - " D2, "content");
	assert_parts("9 100644 1 0 0 0 0.0 a - " D1, "9 100644 1 0 0 0 0.0 b - " D1, "");
	assert_parts("9 100644 1 0 0 0 0.0 a - -", "9 100644 1 0 0 0 0.0 b - -", "content");
	assert_parts("9 100644 1 0 0 0 0.0 a - -", "9 100644 1 0 0 0 0.0 a - -", "");
	assert_parts("9 100644 1 0 0 0 0.0 a - -", "9 100644 1 0 0 0 0.0 a - " D1, "content");
}

static void links_and_devices_have_a_content(void **state)
{
	(void)state;
	assert_parts("1 120777 1 0 0 0 0.0 a - -", "1 120777 1 0 0 0 0.0 b - -", "content");
	assert_parts("1 120777 1 0 0 0 0.0 a - -", "2 120777 1 0 0 0 0.0 ab - -", "content");
	assert_parts("0 20600 1 0 0 259 0.0 - - -", "0 20600 1 0 0 260 0.0 - - -", "content");
	assert_parts("0 10600 1 0 0 0 0.0 - - -", "0 10600 1 0 0 0 0.0 - - -", "");
}

static void another_type_is_told_alone(void **state)
{
	(void)state;
	assert_parts("1 100644 1 0 0 0 0.0 - X -", "1 120777 1 5 5 0 7.0 t - - user.a=1", "type");
}

static void the_size_and_links_of_a_directory_say_nothing(void **state)
{
	(void)state;
	assert_parts("0 40755 2 0 0 0 0.0 - - -", "77 40755 9 0 0 0 0.0 - - -", "");
	assert_parts("0 40755 2 0 0 0 0.0 - - -", "0 40755 2 0 0 0 1.0 - - -", "mtime");
}

static void the_root_is_compared_too(void **state)
{
	(void)state;
	assert_differences(HEAD, "/ 0 40700 2 0 0 0 0.0 - - -\n", "C / mode\n");
}

#define FILE_LINE(path) path " 0 100644 1 0 0 0 0.0 - - -\n"
#define DIR_LINE(path) path " 0 40755 2 0 0 0 0.0 - - -\n"

static void names_are_told_in_order(void **state)
{
	(void)state;
	assert_differences(HEAD FILE_LINE("/a") DIR_LINE("/d") FILE_LINE("/d/gone")
				   FILE_LINE("/d/same") FILE_LINE("/dd") FILE_LINE("/z"),
			   HEAD FILE_LINE("/b") DIR_LINE("/d") FILE_LINE("/d/new")
				   FILE_LINE("/d/same") FILE_LINE("/d/z") FILE_LINE("/dd")
					   FILE_LINE("/zz"),
			   "D /a\nA /b\nD /d/gone\nA /d/new\nA /d/z\nD /z\nA /zz\n");
}

static void what_is_in_a_new_directory_is_told_and_what_was_in_an_old_one_is_not(void **state)
{
	const char *with =
		HEAD DIR_LINE("/d") DIR_LINE("/d/e") FILE_LINE("/d/e/f") FILE_LINE("/d/g");

	(void)state;
	assert_differences(HEAD, with, "A /d\nA /d/e\nA /d/e/f\nA /d/g\n");
	assert_differences(with, HEAD, "D /d\n");
	assert_differences(HEAD FILE_LINE("/d"), with, "C /d type\nA /d/e\nA /d/e/f\nA /d/g\n");
	assert_differences(with, HEAD FILE_LINE("/d"), "C /d type\n");
}

static void any_depth_is_followed_and_left_again(void **state)
{
	CLEAN(buf_release) struct buf a = {0}, b = {0}, expected = {0}, path = {0};

	(void)state;
	(void)buf_append_string(&a, HEAD);
	(void)buf_append_string(&b, HEAD);
	for (size_t i = 0; i < 100; i++) {
		(void)buf_append_string(&path, "/d");
		(void)buf_printf(&a, DIR_LINE("%s"), buf_string(&path));
		(void)buf_printf(&b, DIR_LINE("%s"), buf_string(&path));
	}
	(void)buf_printf(&b, FILE_LINE("%s/f"), buf_string(&path));
	(void)buf_append_string(&b, FILE_LINE("/d/z"));
	(void)buf_printf(&expected, "A %s/f\nA /d/z\n", buf_string(&path));
	assert_differences(buf_string(&a), buf_string(&b), buf_string(&expected));
}

static int stop(void *context, const struct difference *difference, struct diag *why)
{
	(void)difference;
	(void)why;
	++*(int *)context;
	return -ECANCELED;
}

static void a_visit_can_end_it(void **state)
{
	CLEAN(tree_freep) struct tree *a = tree_of(HEAD);
	CLEAN(tree_freep) struct tree *b = tree_of(HEAD FILE_LINE("/x") FILE_LINE("/y"));
	int count = 0;

	(void)state;
	assert_int_equal(-ECANCELED, tree_compare(a, b, stop, &count, NULL));
	assert_int_equal(1, count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_part_of_a_file_is_told),
		cmocka_unit_test(contents_outside_are_compared_by_digest_or_else_by_place),
		cmocka_unit_test(links_and_devices_have_a_content),
		cmocka_unit_test(another_type_is_told_alone),
		cmocka_unit_test(the_size_and_links_of_a_directory_say_nothing),
		cmocka_unit_test(the_root_is_compared_too),
		cmocka_unit_test(names_are_told_in_order),
		cmocka_unit_test(
			what_is_in_a_new_directory_is_told_and_what_was_in_an_old_one_is_not),
		cmocka_unit_test(any_depth_is_followed_and_left_again),
		cmocka_unit_test(a_visit_can_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
