/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include "oci/files.h"

static struct oci_files *directory(const char *path)
{
	struct oci_files *files = NULL;
	struct diag why = {0};

	assert_ok(oci_directory_open(path, &files, &why), &why);
	return files;
}

static void files_are_read_whole_and_from_an_offset(void **state)
{
	struct oci_file file = OCI_FILE_NONE;
	struct reader reader;
	struct oci_files *files;
	char folder[FOLDER_SIZE];
	struct buf text = {0};
	struct diag why = {0};

	(void)state;
	made_folder(folder);
	made_file(folder, "a/b", span_of_string("0123456789abcdef"));
	files = directory(folder);
	assert_ok(oci_files_read(files, "a/b", 16, &text, &why), &why);
	assert_string_equal("0123456789abcdef", buf_string(&text));
	assert_int_equal(-E2BIG, oci_files_read(files, "a/b", 15, &text, &why));
	for (uint64_t offset = 0; offset <= 17; offset++) {
		assert_ok(oci_files_find(files, "a/b", &file, &why), &why);
		assert_int_equal(16, file.size);
		assert_ok(oci_file_reader(&file, offset, &reader, &why), &why);
		assert_int_equal(-1, file.fd);
		assert_ok(made_read(&reader, &text, &why), &why);
		assert_string_equal(&"0123456789abcdef"[offset < 16 ? offset : 16],
				    buf_string(&text));
	}
	buf_release(&text);
	oci_files_close(files);
	made_remove(folder);
}

static void a_path_never_leaves_the_directory(void **state)
{
	static const char *const bad[] = {"../x", "a/../../x", "/etc/passwd", "",  "a//b",
					  "./a",  "a/.",       "a/",          ".."};
	struct oci_file file = OCI_FILE_NONE;
	struct oci_files *files;
	char folder[FOLDER_SIZE];
	struct diag why = {0};

	(void)state;
	made_folder(folder);
	made_file(folder, "x", span_of_string("secret"));
	made_file(folder, "top/a/b", span_of_string("b"));
	files = directory(made_path(folder, "top"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EUCLEAN, oci_files_find(files, bad[i], &file, &why));
	assert_int_equal(0, symlink("../x", made_path(folder, "top/link")));
	assert_int_equal(0, symlink("..", made_path(folder, "top/up")));
	assert_int_equal(0, symlink("a/b", made_path(folder, "top/inside")));
	assert_int_equal(-EUCLEAN, oci_files_find(files, "link", &file, &why));
	assert_int_equal(-EUCLEAN, oci_files_find(files, "up/x", &file, &why));
	assert_int_equal(-EUCLEAN, oci_files_find(files, "inside", &file, &why));
	assert_int_equal(-1, file.fd);
	oci_files_close(files);
	made_remove(folder);
}

/* A fifo nobody writes to must not stop us. */
static void only_regular_files_are_files(void **state)
{
	struct oci_file file = OCI_FILE_NONE;
	struct oci_files *files;
	char folder[FOLDER_SIZE];
	struct diag why = {0};

	(void)state;
	made_folder(folder);
	assert_int_equal(0, mkfifo(made_path(folder, "fifo"), 0644));
	assert_int_equal(0, mkdir(made_path(folder, "dir"), 0755));
	files = directory(folder);
	assert_int_equal(-EUCLEAN, oci_files_find(files, "fifo", &file, &why));
	assert_int_equal(-EUCLEAN, oci_files_find(files, "dir", &file, &why));
	assert_int_equal(-ENOENT, oci_files_find(files, "none", &file, NULL));
	assert_int_equal(-ENOENT, oci_files_find(files, "none/x", &file, NULL));
	oci_files_close(files);
	made_remove(folder);
}

static void a_file_that_shrinks_is_noticed(void **state)
{
	struct oci_file file = OCI_FILE_NONE;
	struct oci_files *files;
	char folder[FOLDER_SIZE];
	struct buf text = {0};
	struct diag why = {0};
	struct reader reader;

	(void)state;
	made_folder(folder);
	made_file(folder, "a", span_of_string("0123456789"));
	files = directory(folder);
	assert_ok(oci_files_find(files, "a", &file, &why), &why);
	assert_ok(oci_file_reader(&file, 0, &reader, &why), &why);
	assert_int_equal(0, truncate(made_path(folder, "a"), 3));
	assert_int_equal(-EUCLEAN, made_read(&reader, &text, &why));
	buf_release(&text);
	oci_files_close(files);
	made_remove(folder);
}

static void a_directory_that_is_not_there_is_named(void **state)
{
	struct oci_files *files;
	struct diag why = {0};

	(void)state;
	assert_int_equal(-ENOENT, oci_directory_open("/nonexistent-lamina", &files, &why));
	assert_non_null(strstr(why.text, "/nonexistent-lamina"));
	oci_files_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read_whole_and_from_an_offset),
		cmocka_unit_test(a_path_never_leaves_the_directory),
		cmocka_unit_test(only_regular_files_are_files),
		cmocka_unit_test(a_file_that_shrinks_is_noticed),
		cmocka_unit_test(a_directory_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
