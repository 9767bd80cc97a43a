/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/file_contexts.h"

static struct file_contexts *contexts_of(const char *text, const char *aliases)
{
	struct file_contexts *contexts = NULL;
	struct diag why = {0};

	assert_int_equal(0, file_contexts_new(&contexts));
	assert_ok(file_contexts_add(contexts, span_of_string(text), &why), &why);
	assert_ok(file_contexts_add_aliases(contexts, span_of_string(aliases), &why), &why);
	return contexts;
}

static void assert_label(struct file_contexts *contexts, const char *expected, const char *path,
			 uint32_t mode)
{
	struct span label = SPAN_LITERAL("none");
	struct diag why = {0};
	int r = file_contexts_find(contexts, span_of_string(path), mode, &label, &why);

	assert_int_equal(strcmp(expected, "none") != 0, r);
	if (!span_equal(span_of_string(expected), label))
		fail_msg("%s: '%.*s', not '%s'", path, (int)label.size, (const char *)label.data,
			 expected);
}

static void the_last_line_that_matches_counts(void **state)
{
	CLEAN(file_contexts_freep)
	struct file_contexts *contexts = contexts_of("# a comment  of words\n"
						     "   \t\n"
						     "/.*\t\tall\r\n"
						     "/\troot\n"
						     "  /usr/bin(/.*)?   --\v bin  \n"
						     "/dev/.*  -c  device\n"
						     "/tmp/.* <<none>>\n"
						     "/tmp/socket -s socket\n"
						     "/last all", /* no newline */
						     "");

	(void)state;
	assert_label(contexts, "root", "/", S_IFDIR);
	assert_label(contexts, "bin", "/usr/bin/sh", S_IFREG);
	assert_label(contexts, "all", "/usr/bin", S_IFDIR);
	assert_label(contexts, "all", "/usr/bin/sh", S_IFLNK);
	assert_label(contexts, "device", "/dev/x", S_IFCHR);
	assert_label(contexts, "all", "/dev/x", S_IFBLK);
	assert_label(contexts, "none", "/tmp/x", S_IFREG);
	assert_label(contexts, "socket", "/tmp/socket", S_IFSOCK);
	assert_label(contexts, "none", "/tmp/socket", S_IFIFO);
	assert_label(contexts, "none", "relative", S_IFREG);
}

static void every_type_has_its_letter(void **state)
{
	static const uint32_t modes[] = {S_IFREG, S_IFBLK, S_IFCHR,  S_IFDIR,
					 S_IFIFO, S_IFLNK, S_IFSOCK, 0};
	CLEAN(file_contexts_freep)
	struct file_contexts *contexts =
		contexts_of("x -- -\nx -b b\nx -c c\nx -d d\nx -p p\nx -l l\nx -s s\n", "");

	(void)state;
	for (size_t i = 0; modes[i]; i++) {
		char letter[] = {"-bcdpls"[i], '\0'};

		assert_label(contexts, letter, "x", modes[i]);
	}
}

static void an_alias_is_an_exact_path_and_the_last_one_counts(void **state)
{
	static const struct {
		const char *path, *expected;
	} cases[] = {{"/lib64", "/usr/lib"}, {"/run", "/var/run"}, {"/lib64/x", "/lib64/x"}};
	CLEAN(file_contexts_freep)
	struct file_contexts *contexts = contexts_of("", "/lib64 /lib\n"
							 "# /run /nothing\n"
							 "/run /var/run\n"
							 "/lib64\t/usr/lib\n");

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct span found = file_contexts_alias(contexts, span_of_string(cases[i].path));

		assert_true(span_equal(span_of_string(cases[i].expected), found));
	}
}

static void refuses_lines_of_another_form_by_their_number(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *why;
	} cases[] = {
		{"/a label\n\n/b\n", -EUCLEAN, "line 3: not a pattern"},
		{"/a -- label more\n", -EUCLEAN, "line 1: not a pattern"},
		{"/a label more\n", -EUCLEAN, "line 1: not a pattern"},
		{"/a -d\n", -EUCLEAN, "line 1: not a pattern"},
		{"/a -x label\n", -EUCLEAN, "line 1: a type of file"},
		{"/a -dd label\n", -EUCLEAN, "line 1: a type of file"},
		{"/a - label\n", -EUCLEAN, "line 1: a type of file"},
		{"/(a label\n", -EUCLEAN, "line 1: '(' without"},
		{"/(?!a) label\n", -EOPNOTSUPP, "line 1: '(?' for"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEAN(file_contexts_freep) struct file_contexts *contexts = NULL;
		struct diag why = {0};

		assert_int_equal(0, file_contexts_new(&contexts));
		assert_int_equal(cases[i].error,
				 file_contexts_add(contexts, span_of_string(cases[i].text), &why));
		if (strncmp(why.text, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("'%s'", why.text);
	}
}

static void refuses_aliases_of_another_form(void **state)
{
	static const char *const texts[] = {"/a\n", "/a /b /c\n"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		CLEAN(file_contexts_freep) struct file_contexts *contexts = NULL;
		struct diag why = {0};

		assert_int_equal(0, file_contexts_new(&contexts));
		assert_int_equal(-EUCLEAN, file_contexts_add_aliases(
						   contexts, span_of_string(texts[i]), &why));
		assert_string_equal("line 1: not two paths", why.text);
	}
}

/* So many bytes are right, one more is not. */
static void lines_labels_and_paths_have_limits(void **state)
{
	static const struct {
		size_t size;
		const char *before, *behind;
		bool is_alias;
	} cases[] = {
		{SELINUX_LINE_SIZE_MAX, "#", "", false},
		{PATH_MAX, "", " /b", true},
		{PATH_MAX, "/a ", "", true},
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		CLEAN(file_contexts_freep) struct file_contexts *contexts = NULL;
		CLEAN(buf_release) struct buf text = {0};
		size_t size = cases[i / 2].size + i % 2;
		struct diag why = {0};
		int r;

		assert_int_equal(0, file_contexts_new(&contexts));
		assert_int_equal(0, buf_append_string(&text, cases[i / 2].before));
		if (cases[i / 2].before[0] == '#')
			size--;
		while (size--)
			assert_int_equal(0, buf_append_byte(&text, 'x'));
		assert_int_equal(0, buf_append_string(&text, cases[i / 2].behind));
		r = cases[i / 2].is_alias
			    ? file_contexts_add_aliases(contexts, buf_span(&text), &why)
			    : file_contexts_add(contexts, buf_span(&text), &why);
		assert_int_equal(i % 2 ? -E2BIG : 0, r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_line_that_matches_counts),
		cmocka_unit_test(every_type_has_its_letter),
		cmocka_unit_test(an_alias_is_an_exact_path_and_the_last_one_counts),
		cmocka_unit_test(refuses_lines_of_another_form_by_their_number),
		cmocka_unit_test(refuses_aliases_of_another_form),
		cmocka_unit_test(lines_labels_and_paths_have_limits),
	};

	return cmocka_run_group_tests_name("oci/file_contexts", tests, NULL, NULL);
}
