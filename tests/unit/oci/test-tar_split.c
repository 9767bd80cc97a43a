/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include "base/limits.h"
#include "oci/files.h"
#include "oci/tar_split.h"

/* Lines that come as many bytes at a time as they like. */
struct lines {
	struct span rest;
	size_t piece_size;
	int closed;
};

static ssize_t lines_read(void *context, void *data, size_t size, struct diag *why)
{
	struct lines *lines = context;

	(void)why;
	if (size > lines->piece_size)
		size = lines->piece_size;
	if (size > lines->rest.size)
		size = lines->rest.size;
	if (size)
		memcpy(data, lines->rest.data, size);
	(void)span_from(lines->rest, size, &lines->rest);
	return (ssize_t)size;
}

static void lines_close(void *context)
{
	((struct lines *)context)->closed++;
}

/* Files of a folder, whose names must be plain. */
struct folder {
	struct oci_files *files;
	int closed;
};

static int folder_open(void *context, const char *name, struct oci_file *ret, struct diag *why)
{
	return oci_files_find(((struct folder *)context)->files, name, ret, why);
}

static void folder_close(void *context)
{
	((struct folder *)context)->closed++;
}

static int put_together(const char *text, size_t piece_size, const char *path, struct buf *ret,
			struct diag *why)
{
	struct lines lines = {span_of_string(text), piece_size, 0};
	struct reader source = {lines_read, lines_close, &lines}, archive = READER_NONE;
	struct folder folder = {0};
	struct tar_split_files files = {folder_open, folder_close, &folder};
	int r;

	assert_ok(oci_directory_open(path, &folder.files, why), why);
	assert_ok(tar_split_reader(&source, &files, &archive, why), why);
	assert_null(source.read);
	r = made_read(&archive, ret, why);
	assert_int_equal(1, lines.closed);
	assert_int_equal(1, folder.closed);
	oci_files_close(folder.files);
	return r;
}

/* "aGVhZA==": head, "cGFk": pad */
static const char whole[] =
	"{\"type\":2,\"payload\":\"aGVhZA==\",\"position\":0}\n"
	"{\"type\":1,\"name\":\"usr/a\",\"size\":5,\"payload\":\"AAAAAAAAAAA=\",\"position\":1}\n"
	"{\"type\":2,\"payload\":\"cGFk\",\"position\":2}\n"
	"{\"type\":1,\"name\":\"usr/\",\"payload\":null,\"position\":3}\n"
	"{\"type\":1,\"name\":\"link\",\"size\":0,\"payload\":null,\"position\":4}\n"
	"{\"type\":2,\"payload\":\"\",\"position\":5}\n"
	"{\"type\":2,\"payload\":null,\"position\":6}\n"
	/* usr/\xff */
	"{\"type\":1,\"name_raw\":\"dXNyL/8=\",\"size\":3,\"payload\":\"AAAAAAAAAAA=\"}\n"
	"{\"type\":2,\"payload\":\"cGFk\"}";

static void an_archive_is_put_together_however_its_lines_come(void **state)
{
	char folder[FOLDER_SIZE];
	struct buf archive = {0};
	struct diag why = {0};

	(void)state;
	made_folder(folder);
	/* what is behind the size in the archive is not of it */
	made_file(folder, "usr/a", span_of_string("hello, longer by now"));
	made_file(folder, "usr/\xff", span_of_string("odd"));
	for (size_t piece = 1; piece < 2 * sizeof(whole); piece += piece < 100 ? 1 : 99) {
		assert_ok(put_together(whole, piece, folder, &archive, &why), &why);
		assert_string_equal("headhellopadoddpad", buf_string(&archive));
	}
	assert_ok(put_together("", 1, folder, &archive, &why), &why);
	assert_int_equal(0, archive.size);
	buf_release(&archive);
	made_remove(folder);
}

static void what_is_malformed_is_refused_and_says_why(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"\n", "JSON"},
		{"{\"type\":2,\"payload\":\"\"}\n\n", "JSON"},
		{"{}\n", "'type' is missing"},
		{"[]\n", "no object"},
		{"{\"type\":2,\"payload\":\"\"", "JSON"},
		{"{\"type\":2,\"type\":2,\"payload\":\"\"}", "JSON"},
		{"{\"type\":3,\"payload\":\"\"}\n", "type 3"},
		{"{\"type\":\"2\",\"payload\":\"\"}\n", "'type' is not a number"},
		{"{\"type\":2,\"payload\":7}\n", "'payload' is not a string"},
		{"{\"type\":2,\"payload\":\"a b=\"}\n", "base64"},
		{"{\"type\":1,\"size\":1}\n", "without a name"},
		{"{\"type\":1,\"name\":\"\",\"size\":1}\n", "without a name"},
		{"{\"type\":1,\"name_raw\":\"YQBi\",\"size\":1}\n", "without a name"},
		{"{\"type\":1,\"name_raw\":\"?\",\"size\":1}\n", "base64"},
		{"{\"type\":1,\"name\":\"a\",\"size\":-1}\n", "negative"},
		{"{\"type\":1,\"name\":\"a\",\"size\":1.5}\n", "not a number"},
		{"{\"type\":1,\"name\":\"a\",\"size\":4}\n", "shorter"},
		{"{\"type\":1,\"name\":\"a\",\"size\":9223372036854775807}\n", "shorter"},
		{"{\"type\":1,\"name\":\"b\",\"size\":3}\n", "there is no 'b'"},
		{"{\"type\":1,\"name\":\"../a\",\"size\":3}\n", "'../a'"},
	};
	char folder[FOLDER_SIZE];
	struct buf archive = {0};

	(void)state;
	made_folder(folder);
	made_file(folder, "a", span_of_string("abc"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct diag why = {0};

		assert_int_equal(-EUCLEAN,
				 put_together(cases[i].text, 1000, folder, &archive, &why));
		if (!strstr(why.text, cases[i].says))
			fail_msg("'%s' does not say '%s'", why.text, cases[i].says);
	}
	buf_release(&archive);
	made_remove(folder);
}

/* Spaces without an end. */
static ssize_t endless_read(void *context, void *data, size_t size, struct diag *why)
{
	(void)why;
	*(uint64_t *)context += size;
	memset(data, ' ', size);
	return (ssize_t)size;
}

static void a_line_without_end_is_given_up(void **state)
{
	uint64_t count = 0;
	struct reader lines = {endless_read, NULL, &count}, archive = READER_NONE;
	struct tar_split_files files = {folder_open, NULL, NULL};
	struct buf text = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(tar_split_reader(&lines, &files, &archive, &why), &why);
	assert_int_equal(-E2BIG, made_read(&archive, &text, &why));
	assert_non_null(strstr(why.text, "a line of more than"));
	assert_true(count < 2 * TAR_SPLIT_LINE_SIZE_MAX);
	buf_release(&text);
}

static ssize_t broken_read(void *context, void *data, size_t size, struct diag *why)
{
	(void)context;
	(void)data;
	(void)size;
	return diag_set(why, -EIO, "broken");
}

static void what_the_lines_say_is_passed_on(void **state)
{
	struct reader lines = {broken_read, NULL, NULL}, archive = READER_NONE;
	struct tar_split_files files = {folder_open, NULL, NULL};
	struct buf text = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(tar_split_reader(&lines, &files, &archive, &why), &why);
	assert_int_equal(-EIO, made_read(&archive, &text, &why));
	assert_string_equal("broken", why.text);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_archive_is_put_together_however_its_lines_come),
		cmocka_unit_test(what_is_malformed_is_refused_and_says_why),
		cmocka_unit_test(a_line_without_end_is_given_up),
		cmocka_unit_test(what_the_lines_say_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
