/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "made.h"
#include "serve/lazy.h"
#include "verity/sha.h"

static const char text[] = "contents that come when they are read, and not before that";
#define TEXT_SIZE (sizeof(text) - 1)

static char folder[] = "/tmp/lamina-lazy-XXXXXX";
static int folder_fd = -1;
static struct digest contents;
static struct made made;
static int bring_error;
static unsigned int bring_count;

/* As a fetcher does: the file gets its name, and a descriptor comes back. */
static int bring(void *context, const struct digest *wanted, struct fuse_reply *reply)
{
	char path[DIGEST_PATH_SIZE_MAX];
	int fd;

	assert_ptr_equal(&bring_count, context);
	assert_non_null(reply);
	assert_true(digest_equal(&contents, wanted));
	bring_count++;
	if (bring_error)
		return bring_error;
	(void)digest_path(wanted, path);
	path[2] = '\0';
	(void)mkdirat(folder_fd, path, 0755);
	path[2] = '/';
	fd = openat(folder_fd, path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(0, fd_pwrite(fd, text, TEXT_SIZE, 0));
	return fd;
}

static int set_up(void **state)
{
	char dump[1000], path[DIGEST_PATH_SIZE_MAX], hex[DIGEST_HEX_SIZE_MAX];
	struct digest mark;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sha_of(DIGEST_SHA256, span_of(text, TEXT_SIZE), &contents, NULL) < 0)
		return -1;
	mark = lazy_mark(&contents);
	(void)snprintf(dump, sizeof(dump),
		       "/ 0 40755 2 0 0 0 0.0 - - -\n"
		       "/file %zu 100644 1 0 0 0 0.0 %s - %s\n",
		       TEXT_SIZE, digest_path(&mark, path), digest_hex(&mark, hex));
	made_open(&made, dump);
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	made_release(&made);
	fd_close(folder_fd);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct view *view_make(view_bring *brings)
{
	const struct view_lazy lazy = {
		.contents_fd = folder_fd, .bring = brings, .context = &bring_count};
	const struct view_config config = {
		.kind = VIEW_STANDALONE, .image = &made.image, .lazy = &lazy};
	struct diag why = {0};
	struct view *view;

	assert_ok(view_new(&config, &view, &why), &why);
	return view;
}

static int read_of(struct view *view, uint64_t offset)
{
	uint64_t nodeid = made_nodeid(view, "file");
	struct fuse_reply *reply = made_reply(4096);
	struct span bytes;
	int r = view_handlers(view)->read(view, nodeid, offset, 4096, reply);

	if (r < 0)
		return r;
	bytes = made_reply_bytes(reply);
	assert_true(span_equal(span_of(text + offset, TEXT_SIZE - offset), bytes));
	return 0;
}

static void a_mark_is_told_from_digests(void **state)
{
	struct digest found, sha512;
	struct digest mark = lazy_mark(&contents);

	(void)state;
	assert_int_equal(0, sha_of(DIGEST_SHA512, SPAN_LITERAL("x"), &sha512, NULL));
	assert_true(lazy_unmark(&mark, &found));
	assert_true(digest_equal(&contents, &found));
	assert_false(lazy_unmark(&contents, &found));
	assert_false(lazy_unmark(&sha512, &found));
	mark.bytes[DIGEST_SIZE_MAX - 1] ^= 1;
	assert_false(lazy_unmark(&mark, &found));
}

static void contents_come_with_the_first_read(void **state)
{
	struct view *view = view_make(bring);
	uint64_t found = 0;

	(void)state;
	/* neither attributes nor a look for holes need them */
	assert_int_equal(0, view_handlers(view)->lseek(view, made_nodeid(view, "file"), 3,
						       SEEK_DATA, &found));
	assert_int_equal(3, found);
	assert_int_equal(0, bring_count);
	/* what fails is tried again */
	bring_error = -ENOSPC;
	assert_int_equal(-EIO, read_of(view, 0));
	bring_error = 0;
	assert_int_equal(0, read_of(view, 0));
	assert_int_equal(2, bring_count);
	assert_int_equal(0, read_of(view, 0));
	assert_int_equal(0, read_of(view, 7));
	assert_int_equal(2, bring_count);
	view_free(view);
}

static void without_anybody_to_bring_them_what_is_here_is_served(void **state)
{
	struct view *view = view_make(NULL);
	char path[DIGEST_PATH_SIZE_MAX];

	(void)state;
	assert_int_equal(0, read_of(view, 0));
	assert_int_equal(0, unlinkat(folder_fd, digest_path(&contents, path), 0));
	assert_int_equal(-ENOENT, read_of(view, 0));
	view_free(view);
}

static void contents_of_another_size_are_not_shown(void **state)
{
	struct view *view = view_make(NULL);
	char path[DIGEST_PATH_SIZE_MAX];
	int fd =
		openat(folder_fd, digest_path(&contents, path), O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	(void)state;
	assert_int_equal(0, fd_pwrite(fd, text, TEXT_SIZE - 1, 0));
	fd_close(fd);
	assert_int_equal(-EIO, read_of(view, 0));
	view_free(view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_is_told_from_digests),
		cmocka_unit_test(contents_come_with_the_first_read),
		cmocka_unit_test(without_anybody_to_bring_them_what_is_here_is_served),
		cmocka_unit_test(contents_of_another_size_are_not_shown),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
