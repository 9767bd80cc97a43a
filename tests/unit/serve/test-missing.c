/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Which images have contents that are nowhere, and when a view stops asking about each file.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/fd.h"
#include "made.h"
#include "serve/inventory.h"
#include "serve/missing.h"
#include "serve/view_private.h"

#define ROOT_LINE "/ 0 40755 2 0 0 0 0.0 - - -\n"
#define HEX_56 "0123456789abcdef0123456789abcdef0123456789abcdef01234567"

static char place[64];
static int dirs[2] = {-1, -1}; /* of objects, in order */
static struct made made;
static struct view *view;
static atomic_bool stop;
static char said[256]; /* by the view; written before: */
static atomic_bool has_said;

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(place, sizeof(place), "/tmp/lamina-missing-XXXXXX");
	if (!mkdtemp(place))
		return -1;
	dirs[1] = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)mkdirat(dirs[1], "other", 0755);
	dirs[0] = openat(dirs[1], "other", O_PATH | O_DIRECTORY | O_CLOEXEC);
	atomic_store(&stop, false);
	said[0] = '\0';
	atomic_store(&has_said, false);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	view_free(view);
	view = NULL;
	made_release(&made);
	fd_closep(&dirs[0]);
	fd_closep(&dirs[1]);
	return nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void note(void *context, const char *message)
{
	(void)context;
	(void)snprintf(said, sizeof(said), "%s", message);
	atomic_store(&has_said, true);
}

static void view_make(const char *dump)
{
	const struct view_config config = {
		.kind = VIEW_STANDALONE,
		.image = &made.image,
		.object_fds = dirs,
		.object_fd_count = 2,
		.report = note,
	};
	struct diag why = {0};

	made_open(&made, dump);
	assert_ok(view_new(&config, &view, &why), &why);
}

/* An object of one byte, whose path is as that of a repository: its digits and a slash. */
static void object_make(int dir_fd, const char *path)
{
	char prefix[3] = {path[0], path[1], '\0'};
	int fd;

	(void)mkdirat(dir_fd, prefix, 0755);
	fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(1, write(fd, "1", 1));
	fd_close(fd);
}

/* One more name for an object. */
static void object_link(int dir_fd, const char *from, const char *path)
{
	char prefix[3] = {path[0], path[1], '\0'};

	(void)mkdirat(dir_fd, prefix, 0755);
	assert_int_equal(0, linkat(dir_fd, from, dir_fd, path, 0));
}

static bool any(void)
{
	bool is_missing = false;

	assert_int_equal(0, missing_any(view, &stop, &is_missing));
	return is_missing;
}

static void contents_of_the_image_itself_are_never_missing(void **state)
{
	(void)state;
	view_make(ROOT_LINE "/a 3 100644 1 0 0 0 0.0 - abc -\n"
			    "/d 0 40755 2 0 0 0 0.0 - - -\n"
			    "/d/l 1 120777 1 0 0 0 0.0 a - -\n");
	assert_false(any());
}

static void an_object_is_found_in_any_of_the_directories(void **state)
{
	(void)state;
	view_make(ROOT_LINE "/a 9 100644 1 0 0 0 0.0 ab/cdef0123" HEX_56 " - -\n"
			    "/d 0 40755 2 0 0 0 0.0 - - -\n"
			    "/d/b 9 100644 1 0 0 0 0.0 12/cdef0123" HEX_56 " - -\n"
			    "/d/c 9 100644 1 0 0 0 0.0 12/cdef0123" HEX_56 " - -\n");
	assert_true(any());
	object_make(dirs[0], "ab/cdef0123" HEX_56);
	assert_true(any());
	object_make(dirs[1], "12/0123cdef" HEX_56);
	assert_true(any());
	object_make(dirs[1], "12/cdef0123" HEX_56);
	assert_false(any());
	/* What is no file there is no object. */
	assert_int_equal(0, unlinkat(dirs[0], "ab/cdef0123" HEX_56, 0));
	assert_int_equal(0, mkdirat(dirs[0], "ab/cdef0123" HEX_56, 0755));
	assert_true(any());
}

static void other_names_are_looked_up(void **state)
{
	(void)state;
	view_make(ROOT_LINE "/a 9 100644 1 0 0 0 0.0 usr/bin/a - -\n"
			    "/b 9 100644 1 0 0 0 0.0 ab/c - -\n");
	assert_true(any());
	object_make(dirs[1], "ab/c");
	assert_true(any());
	(void)mkdirat(dirs[1], "usr", 0755);
	(void)mkdirat(dirs[1], "usr/bin", 0755);
	assert_int_equal(0, mknodat(dirs[1], "usr/bin/a", S_IFREG | 0644, 0));
	assert_false(any());
}

#define MANY 150000
#define LINKS 50000 /* of one file; ext4 takes 65,000 */

/* Well mixed, so that each prefix has some: MurmurHash3's last step, of 32 bits. */
static uint32_t mixed(uint32_t n)
{
	n = (n ^ n >> 16) * 0x85ebca6bu;
	n = (n ^ n >> 13) * 0xc2b2ae35u;
	return n ^ n >> 16;
}

static void many_path(char *path, size_t size, uint32_t n)
{
	uint32_t key = mixed(n);

	(void)snprintf(path, size, "%02x/%06x%s", key >> 24, key & 0xffffff, HEX_56);
}

static void more_than_fit_are_taken_in_passes(void **state)
{
	struct buf dump = {0};
	char path[80], first[80], line[160];

	(void)state;
	assert_int_equal(0, buf_append(&dump, ROOT_LINE, strlen(ROOT_LINE)));
	for (uint32_t n = 0; n < MANY; n++) {
		many_path(path, sizeof(path), n);
		if (n % LINKS == 0) {
			object_make(dirs[0], path);
			memcpy(first, path, sizeof(first));
		} else {
			object_link(dirs[0], first, path);
		}
		(void)snprintf(line, sizeof(line), "/f%06u 9 100644 1 0 0 0 0.0 %s - -\n",
			       (unsigned int)n, path);
		assert_int_equal(0, buf_append(&dump, line, strlen(line)));
	}
	assert_int_equal(0, buf_append(&dump, "", 1));
	view_make((const char *)dump.data);
	assert_false(any());
	for (uint32_t n = 0; n < MANY; n += MANY / 5) {
		many_path(path, sizeof(path), n);
		assert_int_equal(0, unlinkat(dirs[0], path, 0));
		assert_true(any());
		object_make(dirs[0], path);
	}
	assert_false(any());
	buf_release(&dump);
}

static void it_stops_when_it_is_told_to(void **state)
{
	bool is_missing = false;

	(void)state;
	view_make(ROOT_LINE);
	atomic_store(&stop, true);
	assert_int_equal(-ECANCELED, missing_any(view, &stop, &is_missing));
}

/* A directory that is in itself, so that a walk would have no end. */
static void directories_that_are_no_tree_cannot_be_told(void **state)
{
	uint8_t *at;
	bool is_missing = false;
	struct image_inode root, dir;
	struct image_dirent entry;

	(void)state;
	view_make(ROOT_LINE "/directory 0 40755 2 0 0 0 0.0 - - -\n"
			    "/directory/deeper 0 40755 2 0 0 0 0.0 - - -\n");
	assert_int_equal(0, image_inode(&made.image, made.image.root_nid, &root, NULL));
	assert_int_equal(0,
			 image_lookup(&made.image, &root, SPAN_LITERAL("directory"), &entry, NULL));
	assert_int_equal(0, image_inode(&made.image, entry.nid, &dir, NULL));
	/* Each entry begins with its nid; that of "deeper" becomes the root's. */
	for (uint64_t position = 0, next;; position = next) {
		struct image_extent extent;

		assert_int_equal(1, image_dir_next(&made.image, &dir, position, &entry, NULL));
		next = entry.next;
		if (!span_equal(entry.name, SPAN_LITERAL("deeper")))
			continue;
		assert_int_equal(1, image_extent(&made.image, &dir, 0, &extent, NULL));
		at = made.bytes.data + (extent.bytes.data - made.bytes.data) + 2 * 12;
		break;
	}
	assert_int_equal((uint8_t)entry.nid, at[0]);
	at[0] = (uint8_t)made.image.root_nid;
	at[1] = (uint8_t)(made.image.root_nid >> 8);
	assert_int_equal(-ELOOP, missing_any(view, &stop, &is_missing));
}

static int found(const char *path)
{
	return view_handlers(view)->find(view, made_nodeid(view, path), made_reply(0));
}

/* Until it is known whether all is there. Returns what it was then. */
static bool wait_for_inventory(void)
{
	for (int i = 0; i < 10000; i++) {
		if (inventory_is_complete(view))
			return true;
		if (atomic_load(&has_said))
			return false;
		(void)usleep(1000);
	}
	fail_msg("nobody finds out what is there");
	return false;
}

static void files_are_opened_until_all_contents_are_known_to_be_there(void **state)
{
	(void)state;
	view_make(ROOT_LINE "/a 1 100644 1 0 0 0 0.0 ab/cdef0123" HEX_56 " - -\n"
			    "/b 3 100644 1 0 0 0 0.0 - abc -\n");
	object_make(dirs[0], "ab/cdef0123" HEX_56);
	assert_true(wait_for_inventory());
	assert_int_equal(-ENOSYS, found("a"));
	assert_int_equal(-ENOSYS, found("b"));
	assert_false(atomic_load(&has_said));
}

static void files_are_opened_for_good_where_contents_are_missing(void **state)
{
	(void)state;
	view_make(ROOT_LINE "/a 1 100644 1 0 0 0 0.0 ab/cdef0123" HEX_56 " - -\n"
			    "/b 3 100644 1 0 0 0 0.0 - abc -\n");
	assert_false(wait_for_inventory());
	assert_non_null(strstr(said, "contents of the image are missing"));
	assert_int_equal(-ENOENT, found("a"));
	assert_int_equal(0, found("b"));
	object_make(dirs[0], "ab/cdef0123" HEX_56);
	assert_int_equal(0, found("a"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(contents_of_the_image_itself_are_never_missing),
		TEST(an_object_is_found_in_any_of_the_directories),
		TEST(other_names_are_looked_up),
		TEST(more_than_fit_are_taken_in_passes),
		TEST(it_stops_when_it_is_told_to),
		TEST(directories_that_are_no_tree_cannot_be_told),
		TEST(files_are_opened_until_all_contents_are_known_to_be_there),
		TEST(files_are_opened_for_good_where_contents_are_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
