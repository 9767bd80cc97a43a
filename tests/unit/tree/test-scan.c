/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "tree/scan.h"
#include "tree/tree.h"

static char folder[64];

static int enter_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/lamina-scan.XXXXXX");
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void write_file(const char *path, const char *text, size_t size)
{
	CLEAN(fd_closep) int fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(0, ftruncate(fd, (off_t)size));
	assert_int_equal(0, fd_pwrite(fd, text, strlen(text), 0));
}

/* A content callback that names a file by its size, and can misbehave. */
struct contents {
	atomic_int count;
	int error;
	bool touches; /* change the file while it is read */
};

static int name_by_size(void *context, int fd, uint64_t size, struct digest *ret, struct diag *why)
{
	struct contents *contents = context;

	atomic_fetch_add(&contents->count, 1);
	if (contents->touches)
		assert_int_equal(0, fchmod(fd, 0600));
	if (contents->error)
		return diag_set(why, contents->error, "no content today");
	*ret = (struct digest){.algorithm = DIGEST_SHA256};
	ret->bytes[0] = (uint8_t)size;
	ret->bytes[1] = (uint8_t)(size >> 8);
	return 0;
}

static int scan(struct scan_options options, struct contents *contents, struct tree **ret,
		struct diag *why)
{
	CLEAN(fd_closep) int fd = openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	options.algorithm = DIGEST_SHA256;
	options.content = name_by_size;
	options.context = contents;
	return tree_scan(fd, &options, ret, why);
}

static struct inode *child(const struct tree *tree, const struct inode *dir, const char *name)
{
	struct dentry *dentry = tree_lookup(tree, dir, span_of_string(name));

	if (!dentry)
		fail_msg("there is no '%s'", name);
	return dentry->inode;
}

static void takes_every_type_with_its_metadata(void **state)
{
	const struct timespec times[2] = {{0, UTIME_OMIT}, {-5, 123456789}};
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct contents contents = {0};
	struct diag why = {0};
	struct inode *inode;

	(void)state;
	write_file("inline", "hello", INLINE_SIZE_DEFAULT);
	write_file("external", "big", INLINE_SIZE_DEFAULT + 1);
	write_file("empty", "", 0);
	write_file("odd\n\xff", "x", 1);
	assert_int_equal(0, mkdir("dir", 0750));
	assert_int_equal(0, symlink("target/of it", "dir/symlink"));
	assert_int_equal(0, mkfifo("fifo", 0640));
	assert_int_equal(0, chmod("inline", 04711));
	assert_int_equal(0, utimensat(AT_FDCWD, "inline", times, 0));
	assert_ok(scan((struct scan_options){0}, &contents, &tree, &why), &why);

	assert_int_equal(1, contents.count);
	inode = child(tree, tree->root, "inline");
	assert_int_equal(S_IFREG | 04711, inode->mode);
	assert_int_equal(-5, inode->mtime_sec);
	assert_int_equal(123456789, inode->mtime_nsec);
	assert_int_equal(geteuid(), inode->uid);
	assert_true(inode->is_inline);
	assert_memory_equal("hello\0\0", inode->inlined.content, 7);
	inode = child(tree, tree->root, "external");
	assert_true(inode_is_external(inode));
	assert_memory_equal("41/00", inode->external.payload, 5);
	assert_int_equal(65, strlen(inode->external.payload));
	assert_int_equal(0x41, inode_digest(inode).bytes[0]);
	assert_int_equal(0, child(tree, tree->root, "empty")->size);
	assert_non_null(child(tree, tree->root, "odd\n\xff"));
	assert_true(S_ISFIFO(child(tree, tree->root, "fifo")->mode));
	inode = child(tree, tree->root, "dir");
	assert_int_equal(S_IFDIR | 0750, inode->mode);
	assert_string_equal("target/of it", child(tree, inode, "symlink")->symlink.target);
}

static void finds_hard_links_and_their_first_name(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	CLEAN(tree_freep) struct tree *separate = NULL;
	struct contents contents = {0};
	struct diag why = {0};
	struct inode *inode;

	(void)state;
	assert_int_equal(0, mkdir("a", 0755));
	write_file("a/first-by-depth", "x", 100);
	assert_int_equal(0, link("a/first-by-depth", "z"));
	assert_int_equal(0, link("a/first-by-depth", "a/another"));
	assert_ok(scan((struct scan_options){0}, &contents, &tree, &why), &why);
	inode = child(tree, tree->root, "z");
	assert_int_equal(3, inode->nlink);
	assert_int_equal(1, contents.count);
	assert_ptr_equal(inode, child(tree, child(tree, tree->root, "a"), "another"));
	assert_string_equal("z", inode->primary->name);

	assert_ok(scan((struct scan_options){.no_hard_links = true}, &contents, &separate, &why),
		  &why);
	assert_int_equal(1, child(separate, separate->root, "z")->nlink);
	assert_int_equal(4, contents.count);
}

static void takes_xattrs_as_asked(void **state)
{
	struct contents contents = {0};
	struct diag why = {0};

	(void)state;
	write_file("file", "x", 1);
	assert_int_equal(0, mkdir("dir", 0755));
	need("xattr", setxattr("file", "user.note", "v\0w", 3, 0) == 0,
	     "no user xattrs on the file system of /tmp");
	assert_int_equal(0, setxattr("dir", "user.empty", "", 0, 0));
	for (int skip = 0; skip < 2; skip++) {
		CLEAN(tree_freep) struct tree *tree = NULL;
		const struct xattr *xattr;

		assert_ok(scan((struct scan_options){.skip_xattrs = skip}, &contents, &tree, &why),
			  &why);
		xattr = inode_xattr(child(tree, tree->root, "file"), SPAN_LITERAL("user.note"));
		assert_int_equal(skip, xattr == NULL);
		if (skip)
			continue;
		assert_true(span_equal(xattr->value, span_of("v\0w", 3)));
		xattr = inode_xattr(child(tree, tree->root, "dir"), SPAN_LITERAL("user.empty"));
		assert_int_equal(0, xattr->value.size);
	}
}

static void skips_devices_when_asked(void **state)
{
	CLEAN(tree_freep) struct tree *with = NULL;
	CLEAN(tree_freep) struct tree *without = NULL;
	struct contents contents = {0};
	struct diag why = {0};

	(void)state;
	need("root", mknod("device", S_IFBLK | 0600, makedev(300, 5)) == 0, "may not mknod");
	assert_ok(scan((struct scan_options){0}, &contents, &with, &why), &why);
	assert_int_equal(300 << 8 | 5, child(with, with->root, "device")->rdev);
	assert_ok(scan((struct scan_options){.skip_devices = true}, &contents, &without, &why),
		  &why);
	assert_int_equal(0, without->root->child_count);
}

static void a_file_that_changes_is_an_error(void **state)
{
	struct contents contents = {.touches = true};
	struct tree *tree = NULL;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, mkdir("dir", 0755));
	write_file("dir/file", "x", 1000);
	assert_int_equal(-ESTALE, scan((struct scan_options){0}, &contents, &tree, &why));
	assert_string_equal("'/dir/file': the file changed while it was read", why.text);
	assert_null(tree);
}

static void an_error_of_the_callback_names_the_file(void **state)
{
	struct contents contents = {.error = -ENOSPC};
	struct tree *tree = NULL;
	struct diag why = {0};

	(void)state;
	for (int i = 0; i < 2000; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "f%d", i);
		write_file(name, "x", 1000);
	}
	assert_int_equal(-ENOSPC, scan((struct scan_options){0}, &contents, &tree, &why));
	assert_non_null(strstr(why.text, "'/f"));
	assert_non_null(strstr(why.text, "no content today"));
	assert_true(contents.count < 2000);
}

static void goes_deep_with_few_descriptors(void **state)
{
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct contents contents = {0};
	struct diag why = {0};
	size_t count = 0;

	(void)state;
	for (int i = 0; i < 1500; i++) {
		assert_int_equal(0, mkdir("d", 0755));
		assert_int_equal(0, chdir("d"));
	}
	write_file("file", "x", 1);
	assert_int_equal(0, chdir(folder));
	assert_ok(scan((struct scan_options){0}, &contents, &tree, &why), &why);
	for (struct dentry *d = tree_walk_first(tree); d; d = tree_walk_next(tree, d))
		count++;
	assert_int_equal(1501, count);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)
	const struct CMUnitTest tests[] = {
		TEST(takes_every_type_with_its_metadata),
		TEST(finds_hard_links_and_their_first_name),
		TEST(takes_xattrs_as_asked),
		TEST(skips_devices_when_asked),
		TEST(a_file_that_changes_is_an_error),
		TEST(an_error_of_the_callback_names_the_file),
		TEST(goes_deep_with_few_descriptors),
	};

	return cmocka_run_group_tests_name("tree/scan", tests, NULL, NULL);
}
