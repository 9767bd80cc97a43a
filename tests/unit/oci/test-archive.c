/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include "oci/archive.h"
#include "oci/files.h"

static const char *text_of(struct oci_files *files, const char *path, struct buf *text)
{
	struct diag why = {0};

	text->size = 0;
	assert_ok(oci_files_read(files, path, 1000, text, &why), &why);
	return buf_string(text);
}

static struct oci_files *archive(const char *path)
{
	struct oci_files *files = NULL;
	struct diag why = {0};

	assert_ok(oci_archive_open(path, &files, &why), &why);
	return files;
}

static void sample(struct buf *tar)
{
	made_member_text(tar, "a", "alpha");
	made_member_text(tar, "dir/b", "beta");
	made_end(tar);
}

static void files_of_an_archive_are_read_in_place(void **state)
{
	struct oci_file file = OCI_FILE_NONE;
	struct buf tar = {0}, text = {0};
	struct reader first, second;
	struct oci_files *files;
	char folder[FOLDER_SIZE];
	struct diag why = {0};

	(void)state;
	made_folder(folder);
	sample(&tar);
	made_file(folder, "x.tar", buf_span(&tar));
	files = archive(made_path(folder, "x.tar"));
	assert_string_equal("alpha", text_of(files, "a", &text));
	assert_string_equal("beta", text_of(files, "dir/b", &text));
	assert_int_equal(-ENOENT, oci_files_find(files, "dir", &file, &why));
	assert_int_equal(-EUCLEAN, oci_files_find(files, "../a", &file, &why));
	/* two at a time, and the archive closed before them */
	assert_ok(oci_files_find(files, "a", &file, &why), &why);
	assert_ok(oci_file_reader(&file, 1, &first, &why), &why);
	assert_ok(oci_files_find(files, "dir/b", &file, &why), &why);
	assert_ok(oci_file_reader(&file, 0, &second, &why), &why);
	oci_files_close(files);
	assert_ok(made_read(&second, &text, &why), &why);
	assert_string_equal("beta", buf_string(&text));
	assert_ok(made_read(&first, &text, &why), &why);
	assert_string_equal("lpha", buf_string(&text));
	buf_release(&tar);
	buf_release(&text);
	made_remove(folder);
}

static void compressed_archives_and_pipes_are_read_too(void **state)
{
	struct buf tar = {0}, gzip = {0}, text = {0};
	struct oci_files *files;
	char folder[FOLDER_SIZE], path[32];
	int pipe_fds[2];

	(void)state;
	made_folder(folder);
	sample(&tar);
	made_gzip(buf_span(&tar), &gzip);
	made_file(folder, "x.tar.gz", buf_span(&gzip));
	files = archive(made_path(folder, "x.tar.gz"));
	assert_string_equal("beta", text_of(files, "dir/b", &text));
	oci_files_close(files);

	assert_int_equal(0, pipe(pipe_fds));
	assert_int_equal(0, fd_write(pipe_fds[1], gzip.data, gzip.size));
	(void)close(pipe_fds[1]);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", pipe_fds[0]);
	files = archive(path);
	assert_string_equal("alpha", text_of(files, "a", &text));
	oci_files_close(files);
	(void)close(pipe_fds[0]);
	buf_release(&tar);
	buf_release(&gzip);
	buf_release(&text);
	made_remove(folder);
}

static void what_is_no_archive_is_refused(void **state)
{
	struct buf tar = {0}, gzip = {0};
	struct oci_files *files = NULL;
	char folder[FOLDER_SIZE];
	struct diag why = {0};

	(void)state;
	made_folder(folder);
	made_file(folder, "text", span_of_string("this is no tar archive at all"));
	assert_int_equal(-EUCLEAN, oci_archive_open(made_path(folder, "text"), &files, &why));
	assert_non_null(strstr(why.text, "/text"));
	sample(&tar);
	made_gzip(buf_span(&tar), &gzip);
	gzip.size -= 9;
	made_file(folder, "cut.gz", buf_span(&gzip));
	assert_int_equal(-EUCLEAN, oci_archive_open(made_path(folder, "cut.gz"), &files, &why));
	assert_int_equal(-EISDIR, oci_archive_open(folder, &files, &why));
	assert_int_equal(-ENOENT, oci_archive_open(made_path(folder, "none"), &files, &why));
	assert_null(files);
	buf_release(&tar);
	buf_release(&gzip);
	made_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_an_archive_are_read_in_place),
		cmocka_unit_test(compressed_archives_and_pipes_are_read_too),
		cmocka_unit_test(what_is_no_archive_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
