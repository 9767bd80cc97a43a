/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The handlers, called as a session would. What they say when mounted: test-mounted.c.
 */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "erofs/mapping.h"
#include "fuse/abi.h"
#include "made.h"
#include "verity/hasher.h"

static struct made made;
static struct view *view;
static char objects_dir[64];
static int object_fds[2] = {-1, -1};

static struct view *view_of(enum view_kind kind, size_t object_fd_count)
{
	struct view_config config = {
		.kind = kind,
		.image = &made.image,
		.object_fds = object_fds,
		.object_fd_count = object_fd_count,
	};
	struct diag why = {0};
	struct view *made_view;

	assert_ok(view_new(&config, &made_view, &why), &why);
	return made_view;
}

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(objects_dir, sizeof(objects_dir), "/tmp/lamina-view-XXXXXX");
	if (!mkdtemp(objects_dir))
		return -1;
	/* The first has nothing: objects are looked for in order. */
	object_fds[1] = open(objects_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)mkdirat(object_fds[1], "first", 0755);
	object_fds[0] = openat(object_fds[1], "first", O_PATH | O_DIRECTORY | O_CLOEXEC);
	made_objects(object_fds[1]);
	made_open(&made, made_dump);
	view = view_of(VIEW_STANDALONE, 2);
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
	made_release(&made);
	fd_closep(&object_fds[0]);
	fd_closep(&object_fds[1]);
	return nftw(objects_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const struct fuse_handlers *handlers(void)
{
	return view_handlers(view);
}

static int read_path(const char *path, uint64_t offset, size_t size, struct span *ret)
{
	uint64_t nodeid = made_nodeid(view, path);
	struct fuse_reply *reply = made_reply(size);
	int r = handlers()->read(view, nodeid, offset, size, reply);

	assert_int_not_equal(0, nodeid);
	*ret = made_reply_bytes(reply);
	return r;
}

static void the_root_is_nodeid_1_and_others_are_stable(void **state)
{
	struct fuse_attributes attributes;
	uint64_t nodeid = made_nodeid(view, "d"), again;
	struct view *other = view_of(VIEW_METADATA_USER, 0);

	(void)state;
	assert_true(nodeid > 1);
	assert_int_equal(nodeid, made_nodeid(other, "d"));
	assert_int_equal(0, handlers()->getattr(view, 1, &attributes));
	assert_int_equal(made.image.root_nid, attributes.ino);
	assert_int_equal(0, handlers()->getattr(view, nodeid, &attributes));
	assert_int_equal(nodeid - 2, attributes.ino);
	assert_int_equal(123456789, attributes.mtime_nsec);
	/* As a file handle of the kernel leads back. */
	assert_int_equal(0,
			 handlers()->lookup(view, nodeid, SPAN_LITERAL("."), &again, &attributes));
	assert_int_equal(nodeid, again);
	assert_int_equal(0,
			 handlers()->lookup(view, nodeid, SPAN_LITERAL(".."), &again, &attributes));
	assert_int_equal(1, again);
	view_free(other);
}

static void nodeids_that_were_never_given_out_are_stale(void **state)
{
	static const uint64_t wrong[] = {0, UINT64_MAX, UINT64_MAX - 1, 1ull << 59};
	struct fuse_attributes attributes;

	(void)state;
	assert_int_equal(-ESTALE, handlers()->getattr(view, 0, &attributes));
	assert_int_equal(-ESTALE, handlers()->getattr(view, made.image.root_nid + 2, &attributes));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_true(handlers()->getattr(view, wrong[i], &attributes) < 0);
		assert_true(handlers()->readdir(view, wrong[i], 0, true, made_reply(4096)) < 0);
		assert_true(handlers()->read(view, wrong[i], 0, 10, made_reply(4096)) < 0);
		assert_true(handlers()->listxattr(view, wrong[i], made_reply(4096)) < 0);
	}
}

/* Whether a directory lists a name. */
static bool lists(struct view *which, const char *name, bool plus)
{
	struct fuse_reply *reply = made_reply(REPLY_READ_MAX);
	size_t head = plus ? sizeof(struct abi_entry) : 0;
	struct span bytes;
	bool found = false;

	assert_int_equal(0, handlers()->readdir(which, 1, 0, plus, reply));
	bytes = made_reply_bytes(reply);
	for (size_t at = 0; at < bytes.size;) {
		struct abi_dirent dirent;
		struct span entry = SPAN_EMPTY;

		assert_true(span_cut(bytes, at + head, sizeof(dirent), &entry));
		memcpy(&dirent, entry.data, sizeof(dirent));
		assert_true(span_cut(bytes, at + head + 24, dirent.name_size, &entry));
		found |= span_equal(entry, span_of_string(name));
		at += (head + sizeof(dirent) + dirent.name_size + 7) & ~(size_t)7;
	}
	return found;
}

static void only_standalone_hides_the_stubs(void **state)
{
	struct view *metadata = view_of(VIEW_METADATA_USER, 0);

	(void)state;
	for (int plus = 0; plus < 2; plus++) {
		assert_true(lists(view, "d", plus));
		assert_true(lists(view, "dev", plus)); /* a device that is no whiteout */
		assert_false(lists(view, "7f", plus));
		assert_true(lists(metadata, "7f", plus));
	}
	assert_int_equal(0, made_nodeid(view, "7f"));
	assert_int_not_equal(0, made_nodeid(metadata, "7f"));
	view_free(metadata);
}

static void a_directory_resumes_anywhere(void **state)
{
	uint64_t position = 0, count = 0;

	(void)state;
	for (;;) {
		/* Room for one entry, or none. */
		struct fuse_reply *reply = made_reply(32);
		struct abi_dirent dirent;
		struct span bytes;

		assert_int_equal(0, handlers()->readdir(view, 1, position, false, reply));
		bytes = made_reply_bytes(reply);
		if (bytes.size == 0)
			break;
		memcpy(&dirent, bytes.data, sizeof(dirent));
		assert_true(dirent.next > position);
		position = dirent.next;
		count++;
	}
	assert_int_equal(9, count); /* ".", "..", 7 names */
	assert_int_equal(-EINVAL, handlers()->readdir(view, 1, 5, false, made_reply(4096)));
	assert_int_equal(-ENOTDIR, handlers()->readdir(view, made_nodeid(view, "inline"), 0, false,
						       made_reply(4096)));
}

static void files_of_the_image_are_read_from_it(void **state)
{
	struct view *metadata = view_of(VIEW_METADATA_TRUSTED, 0);
	struct span got;

	(void)state;
	assert_int_equal(0, read_path("inline", 0, 100, &got));
	assert_true(span_equal(got, SPAN_LITERAL("hello")));
	assert_int_equal(0, read_path("inline", 3, 100, &got));
	assert_true(span_equal(got, SPAN_LITERAL("lo")));
	assert_int_equal(0, read_path("inline", 5, 100, &got));
	assert_int_equal(0, got.size);
	assert_int_equal(0, read_path("empty", 0, 100, &got));
	assert_int_equal(0, got.size);
	assert_int_equal(0, handlers()->read(metadata, made_nodeid(metadata, "inline"), 0, 10,
					     made_reply(10)));
	assert_int_equal(-EINVAL, read_path("fifo", 0, 100, &got));
	assert_int_equal(-EISDIR, read_path("d", 0, 100, &got));
	view_free(metadata);
}

static void external_files_are_read_from_their_objects(void **state)
{
	uint64_t nodeid = made_nodeid(view, "d/ext");
	struct fuse_reply *reply = made_reply(REPLY_READ_MAX);
	struct span bytes;

	(void)state;
	assert_int_equal(0, handlers()->read(view, nodeid, 4000, 65536, reply));
	bytes = made_reply_bytes(reply);
	assert_int_equal(1000, bytes.size);
	assert_int_equal((uint8_t)(4999 * 7 / 3), bytes.data[999]);
	reply = made_reply(100);
	assert_int_equal(0, handlers()->read(view, nodeid, 5000, 100, reply));
	assert_int_equal(0, reply->size);
	/* One that is not read to its end stays open for the next time, whatever becomes of it. */
	assert_int_equal(0, handlers()->read(view, nodeid, 0, 100, made_reply(100)));
	assert_int_equal(0, renameat(object_fds[1], "ab/cdef", object_fds[1], "ab/away"));
	reply = made_reply(100);
	assert_int_equal(0, handlers()->read(view, nodeid, 100, 100, reply));
	assert_int_equal((uint8_t)(100 * 7 / 3), made_reply_bytes(reply).data[0]);
	assert_int_equal(0, handlers()->read(view, nodeid, 4900, 100, made_reply(100)));
	assert_int_equal(-ENOENT, handlers()->read(view, nodeid, 0, 100, made_reply(100)));
	assert_int_equal(0, renameat(object_fds[1], "ab/away", object_fds[1], "ab/cdef"));
}

static void metadata_views_do_not_read_external_files(void **state)
{
	struct view *metadata = view_of(VIEW_METADATA_USER, 2);
	uint64_t nodeid = made_nodeid(metadata, "d/ext");
	int fd = -1;

	(void)state;
	assert_int_equal(-EIO, handlers()->read(metadata, nodeid, 0, 10, made_reply(10)));
	assert_int_equal(-EIO, handlers()->open(metadata, nodeid, &fd));
	assert_int_equal(-1, fd);
	view_free(metadata);
}

static int open_path(const char *path)
{
	uint64_t nodeid = made_nodeid(view, path);
	int fd = -1, r;

	assert_int_not_equal(0, nodeid);
	r = handlers()->open(view, nodeid, &fd);
	fd_close(fd);
	return r;
}

static char said[4096];

static int count_of(const char *text, char what)
{
	int count = 0;

	for (; *text; text++)
		count += *text == what;
	return count;
}

static void remember(void *context, const char *message)
{
	(void)context;
	assert_true(strlen(said) + strlen(message) + 2 < sizeof(said));
	strcat(said, message);
	strcat(said, "\n");
}

static void what_is_wrong_with_an_object_is_said_once_with_its_path(void **state)
{
	struct view_config config = {
		.kind = VIEW_STANDALONE,
		.image = &made.image,
		.object_fds = object_fds,
		.object_fd_count = 2,
		.report = remember,
	};
	struct view *telling;
	uint64_t gone, small;

	(void)state;
	said[0] = '\0';
	assert_int_equal(0, view_new(&config, &telling, NULL));
	gone = made_nodeid(telling, "d/gone");
	small = made_nodeid(telling, "d/short");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(-ENOENT, handlers()->read(telling, gone, 0, 1, made_reply(1)));
		assert_int_equal(-EIO, handlers()->read(telling, small, 0, 1, made_reply(1)));
	}
	assert_non_null(strstr(said, "object ab/missing, of inode "));
	assert_non_null(strstr(said, ": cannot be opened: No such file or directory\n"));
	assert_non_null(strstr(said, "not a file of the size that the image says\n"));
	assert_int_equal(2, count_of(said, '\n'));
	view_free(telling);
}

static void objects_that_are_not_the_ones_are_refused(void **state)
{
	(void)state;
	assert_int_equal(0, open_path("d/ext"));
	assert_int_equal(0, open_path("inline"));
	assert_int_equal(-ENOENT, open_path("d/gone"));
	assert_int_equal(-EIO, open_path("d/nameless"));
	assert_int_equal(-EIO, open_path("d/outside"));
	assert_int_equal(-EIO, open_path("d/short"));
	assert_int_equal(0, symlinkat("cdef", object_fds[1], "ab/missing"));
	assert_int_equal(-EIO, open_path("d/gone"));
	assert_int_equal(0, unlinkat(object_fds[1], "ab/missing", 0));
	assert_int_equal(0, mkfifoat(object_fds[1], "ab/missing", 0644)); /* would block */
	assert_int_equal(-EIO, open_path("d/gone"));
}

static void an_object_that_shrinks_is_an_error(void **state)
{
	uint64_t nodeid = made_nodeid(view, "d/ext");
	int fd = openat(object_fds[1], "ab/cdef", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(0, handlers()->read(view, nodeid, 0, 100, made_reply(100)));
	assert_int_equal(0, ftruncate(fd, 4000));
	assert_int_equal(0, handlers()->read(view, nodeid, 0, 100, made_reply(100)));
	assert_int_equal(-EIO, handlers()->read(view, nodeid, 4500, 10, made_reply(10)));
	assert_int_equal(-EIO, handlers()->read(view, nodeid, 0, 5000, made_reply(5000)));
	assert_int_equal(-EIO, handlers()->read(view, nodeid, 0, 100, made_reply(100)));
	fd_close(fd);
}

static void holes_are_sought_in_objects(void **state)
{
	uint64_t ext = made_nodeid(view, "d/ext"), inlined = made_nodeid(view, "inline"), found;

	(void)state;
	assert_int_equal(0, handlers()->lseek(view, ext, 10, SEEK_DATA, &found));
	assert_int_equal(10, found);
	assert_int_equal(0, handlers()->lseek(view, ext, 10, SEEK_HOLE, &found));
	assert_int_equal(MADE_OBJECT_SIZE, found);
	assert_int_equal(-ENXIO, handlers()->lseek(view, ext, 5000, SEEK_DATA, &found));
	assert_int_equal(0, handlers()->lseek(view, inlined, 1, SEEK_HOLE, &found));
	assert_int_equal(5, found);
	assert_int_equal(-EINVAL, handlers()->lseek(view, inlined, 1, SEEK_SET, &found));
}

static bool list_has(struct view *which, const char *path, const char *name, uint32_t caller)
{
	struct fuse_reply *reply = made_reply(65536);
	struct span bytes;

	reply->caller_uid = caller;
	assert_int_equal(0, handlers()->listxattr(which, made_nodeid(which, path), reply));
	bytes = made_reply_bytes(reply);
	return bytes.size && memmem(bytes.data, bytes.size, name, strlen(name) + 1);
}

static int xattr_get(struct view *which, const char *path, const char *name, const char *expected)
{
	struct fuse_reply *reply = made_reply(65536);
	int r = handlers()->getxattr(which, made_nodeid(which, path), span_of_string(name), reply);

	if (r == 0)
		assert_true(span_equal(made_reply_bytes(reply), span_of_string(expected)));
	return r;
}

/* With own_data_max the data come from here, so nothing may say that overlayfs has to fetch them.
 */
static void small_files_may_be_served_by_a_metadata_view(void **state)
{
	struct view_config config = {
		.kind = VIEW_METADATA_USER,
		.image = &made.image,
		.object_fds = object_fds,
		.object_fd_count = 2,
		.own_data_max = MADE_OBJECT_SIZE,
	};
	struct fuse_reply *reply = made_reply(100);
	struct view *own;

	(void)state;
	assert_int_equal(0, view_new(&config, &own, NULL));
	assert_int_equal(0, handlers()->read(own, made_nodeid(own, "d/ext"), 0, 100, reply));
	assert_int_equal(100, reply->size);
	assert_int_equal(-ENODATA, xattr_get(own, "d/ext", "user.overlay.metacopy", ""));
	assert_int_equal(-ENODATA, xattr_get(own, "d/ext", "user.overlay.redirect", ""));
	assert_false(list_has(own, "d/ext", "user.overlay.redirect", 0));
	view_free(own);
	config.own_data_max = MADE_OBJECT_SIZE - 1;
	assert_int_equal(0, view_new(&config, &own, NULL));
	assert_int_equal(-EIO,
			 handlers()->read(own, made_nodeid(own, "d/ext"), 0, 100, made_reply(100)));
	assert_int_equal(0, xattr_get(own, "d/ext", "user.overlay.redirect", "/ab/cdef"));
	assert_true(list_has(own, "d/ext", "user.overlay.redirect", 0));
	view_free(own);
}

static void the_users_overlay_gets_its_own_names(void **state)
{
	struct view *user = view_of(VIEW_METADATA_USER, 0);

	(void)state;
	assert_true(list_has(user, "d/ext", "user.overlay.redirect", 0));
	assert_true(list_has(user, "d/ext", "user.overlay.overlay.metacopy", 0));
	assert_true(list_has(user, "d/wh", "user.overlay.overlay.whiteout", 0));
	assert_true(list_has(user, "d/wh", "trusted.overlay.whiteout", 0));
	assert_false(list_has(user, "d/wh", "user.overlay.whiteout", 0));
	assert_int_equal(0, xattr_get(user, "d/ext", "user.overlay.redirect", "/ab/cdef"));
	assert_int_equal(0, xattr_get(user, "d/ext", "user.overlay.metacopy", ""));
	assert_int_equal(0, xattr_get(user, "d/ext", "user.overlay.overlay.metacopy", "theirs"));
	assert_int_equal(0, xattr_get(user, "d/ext", "trusted.overlay.overlay.deep", "2"));
	assert_int_equal(-ENODATA, xattr_get(user, "d/ext", "trusted.overlay.redirect", ""));
	assert_int_equal(-ENODATA, xattr_get(user, "d/wh", "user.overlay.whiteout", ""));
	view_free(user);
}

static void standalone_shows_what_the_user_had(void **state)
{
	(void)state;
	assert_false(list_has(view, "d/ext", "trusted.overlay.redirect", 0));
	assert_int_equal(-ENODATA, xattr_get(view, "d/ext", "trusted.overlay.redirect", ""));
	assert_true(list_has(view, "d/wh", "user.overlay.whiteout", 0));
	assert_int_equal(0, xattr_get(view, "d/ext", "user.overlay.metacopy", "theirs"));
	assert_int_equal(0, xattr_get(view, "acl", "user.none", "") == -ENODATA ? 0 : 1);
	assert_true(list_has(view, "acl", "system.posix_acl_access", 0));
	assert_false(list_has(view, "d/ext", "lustre.x", 0));
	assert_false(list_has(view, "d/ext", "odd", 0));
	assert_int_equal(-EOPNOTSUPP, xattr_get(view, "d/ext", "lustre.x", ""));
	assert_int_equal(-EOPNOTSUPP, xattr_get(view, "d/ext", "odd", ""));
	/* As in the kernel's EROFS, only root is told of what only root can read. */
	assert_false(list_has(view, "link", "trusted.t", 1000));
}

static void an_image_without_acls_has_none(void **state)
{
	(void)state;
	made.image.has_acl = false;
	assert_false(list_has(view, "acl", "system.posix_acl_access", 0));
	assert_int_equal(-EOPNOTSUPP, xattr_get(view, "acl", "system.posix_acl_access", ""));
	made.image.has_acl = true;
}

static void statfs_has_the_numbers_of_the_image(void **state)
{
	struct fuse_statfs facts;

	(void)state;
	assert_int_equal(0, handlers()->statfs(view, &facts));
	assert_int_equal(made.bytes.size, facts.blocks * facts.block_size);
	assert_int_equal(made.image.inode_count, facts.files);
	assert_int_equal(255, facts.name_max);
}

/* Once a page of the image could not be read, nothing that was made of it may be believed. */
static void a_damaged_image_answers_nothing_but_errors(void **state)
{
	struct view_config config = {.kind = VIEW_METADATA_USER, .image = &made.image};
	struct fuse_attributes attributes;
	struct mapping *mapping;
	struct diag why = {0};
	struct image image;
	struct view *damaged;
	uint64_t nodeid;
	int fd = openat(object_fds[1], "image", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(0, fd_write(fd, made.bytes.data, made.bytes.size));
	assert_ok(mapping_open(fd, &mapping, &why), &why);
	assert_ok(image_open(mapping_bytes(mapping), &image, &why), &why);
	config.image = &image;
	config.mapping = mapping;
	assert_ok(view_new(&config, &damaged, &why), &why);
	nodeid = made_nodeid(damaged, "inline");
	assert_int_not_equal(0, nodeid);
	assert_int_equal(0, ftruncate(fd, 0));
	assert_int_equal(-EIO, handlers()->getattr(damaged, nodeid, &attributes));
	assert_true(mapping_is_damaged(mapping));
	assert_int_equal(
		-EIO, handlers()->lookup(damaged, 1, SPAN_LITERAL("none"), &nodeid, &attributes));
	assert_int_equal(-EIO, handlers()->readdir(damaged, 1, 0, true, made_reply(4096)));
	assert_int_equal(-EIO, handlers()->listxattr(damaged, 1, made_reply(4096)));
	assert_int_equal(
		-EIO, handlers()->getxattr(damaged, 1, SPAN_LITERAL("user.a"), made_reply(4096)));
	view_free(damaged);
	mapping_close(mapping);
	fd_close(fd);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static int report_count;
static char reported[1024];

static void report_note(void *context, const char *message)
{
	(void)context;
	report_count++;
	(void)snprintf(reported, sizeof(reported), "%s", message);
}

/* Read a file of the object through a view that verifies. */
static int read_verified(const char *digest, enum view_verity verity)
{
	struct view_config config = {
		.kind = VIEW_STANDALONE,
		.image = &made.image,
		.object_fds = object_fds,
		.object_fd_count = 2,
		.verity = verity,
		.report = report_note,
	};
	struct diag why = {0};
	char dump[512];
	uint64_t nodeid;
	int r, fd = -1;

	made_release(&made);
	(void)snprintf(dump, sizeof(dump),
		       "/ 0 40755 1 0 0 0 1.0 - - -\n/file %d 100644 1 0 0 0 1.0 ab/cdef - %s\n",
		       MADE_OBJECT_SIZE, digest);
	made_open(&made, dump);
	view_free(view);
	assert_ok(view_new(&config, &view, &why), &why);
	nodeid = made_nodeid(view, "file");
	report_count = 0;
	r = handlers()->read(view, nodeid, 0, 100, made_reply(100));
	assert_int_equal(r, handlers()->read(view, nodeid, 4096, 100, made_reply(100)));
	assert_int_equal(r, handlers()->open(view, nodeid, &fd));
	fd_close(fd);
	return r;
}

static void objects_are_held_to_the_digest_of_the_image(void **state)
{
	char right[DIGEST_HEX_SIZE_MAX], wrong[DIGEST_HEX_SIZE_MAX];
	struct verity_hasher *hasher;
	struct digest digest;
	uint64_t size;
	int fd = openat(object_fds[1], "ab/cdef", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(0, verity_hasher_new(DIGEST_SHA256, &hasher, NULL));
	assert_int_equal(0, verity_hash_fd(hasher, fd, &digest, &size, NULL));
	verity_hasher_free(hasher);
	fd_close(fd);
	(void)digest_hex(&digest, right);
	digest.bytes[0] ^= 1;
	(void)digest_hex(&digest, wrong);

	assert_int_equal(0, read_verified(right, VIEW_VERITY_REQUIRE));
	assert_int_equal(0, read_verified(right, VIEW_VERITY_GIVEN));
	assert_int_equal(0, report_count);
	assert_int_equal(-EIO, read_verified(wrong, VIEW_VERITY_REQUIRE));
	assert_int_equal(1, report_count);
	assert_non_null(strstr(reported, "object ab/cdef, of inode "));
	assert_non_null(strstr(reported, "not the digest that the image says"));
	assert_int_equal(-EIO, read_verified(wrong, VIEW_VERITY_GIVEN));
	assert_int_equal(0, read_verified(wrong, VIEW_VERITY_OFF));
	assert_int_equal(0, read_verified("-", VIEW_VERITY_GIVEN));
	assert_int_equal(-EIO, read_verified("-", VIEW_VERITY_REQUIRE));
	assert_non_null(strstr(reported, "gives no digest"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_root_is_nodeid_1_and_others_are_stable),
		TEST(nodeids_that_were_never_given_out_are_stale),
		TEST(only_standalone_hides_the_stubs),
		TEST(a_directory_resumes_anywhere),
		TEST(files_of_the_image_are_read_from_it),
		TEST(external_files_are_read_from_their_objects),
		TEST(metadata_views_do_not_read_external_files),
		TEST(objects_that_are_not_the_ones_are_refused),
		TEST(an_object_that_shrinks_is_an_error),
		TEST(objects_are_held_to_the_digest_of_the_image),
		TEST(what_is_wrong_with_an_object_is_said_once_with_its_path),
		TEST(small_files_may_be_served_by_a_metadata_view),
		TEST(holes_are_sought_in_objects),
		TEST(the_users_overlay_gets_its_own_names),
		TEST(standalone_shows_what_the_user_had),
		TEST(an_image_without_acls_has_none),
		TEST(statfs_has_the_numbers_of_the_image),
		TEST(a_damaged_image_answers_nothing_but_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
