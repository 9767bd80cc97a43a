/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "mount/attach.h"
#include "mount/erofs.h"
#include "mount/erofs_private.h"
#include "mount/features.h"
#include "mount/loop.h"
#include "mount/mountinfo.h"

/* An image of one file, made by mkfs.erofs in directory, under a name of this process's own. */
static int image_make(const char *directory, char *path, size_t size)
{
	char command[8192];
	int fd;

	(void)snprintf(path, size, "%s/image-%d.erofs", directory, getpid());
	(void)snprintf(command, sizeof(command),
		       "mkdir %s/tree && echo content >%s/tree/file && "
		       "mkfs.erofs -x-1 %s %s/tree >/dev/null 2>&1; "
		       "r=$?; rm -r %s/tree; exit $r",
		       directory, directory, path, directory, directory);
	if (system(command) != 0) /* NOLINT: a fixed command on our own directory */
		isolate_skip("erofs", "mkfs.erofs (erofs-utils) is missing");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	expect(fd >= 0);
	return fd;
}

static void need_erofs(void)
{
	const struct mount_feature *erofs = mount_feature(MOUNT_FEATURE_EROFS);

	if (!erofs->available)
		isolate_skip("erofs", erofs->why.text);
}

static void need_loop(void)
{
	const struct mount_feature *loop = mount_feature(MOUNT_FEATURE_LOOP);

	if (!loop->available)
		isolate_skip("loop", loop->why.text);
}

/* The whole life of a detached image mount. */
static void image_check(int mount_fd)
{
	struct diag why = {0};
	int target;

	file_expect(mount_fd, "file", "content\n");
	expect(openat(mount_fd, "new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS);
	target = expect_ok(mount_target_open(isolate_dir, &why), &why);
	expect_ok(mount_attach(mount_fd, target, &why), &why);
	fd_close(target);
	fd_close(mount_fd);
	expect_ok(mount_detach(isolate_dir, &(struct mount_detach_options){.foreign = true}, &why),
		  &why);
}

static void body_file(void)
{
	struct erofs_mount_options options = {.noacl = true};
	struct diag why = {0};
	char path[4200];
	int image, fd;

	need_erofs();
	image = image_make(isolate_dir, path, sizeof(path));
	fd = erofs_mount_source(image, &options, &why);
	if (fd == -ENOTBLK)
		isolate_skip("erofs-file", "the kernel, or the build's file system, lacks it");
	expect_ok(fd, &why);
	fd_close(image);
	expect(!loop_in_use(path));
	image_check(fd);
}

static void mounts_a_file_as_it_is(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_file);
}

static void body_unlinked(void)
{
	struct diag why = {0};
	char path[4200];
	int image, fd;

	need_erofs();
	image = image_make(isolate_dir, path, sizeof(path));
	expect(unlink(path) == 0);
	fd = expect_ok(erofs_mount(image, &(struct erofs_mount_options){0}, &why), &why);
	fd_close(image);
	image_check(fd);
}

static void mounts_an_unlinked_file(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_unlinked);
}

static void body_tmpfs(void)
{
	struct diag why = {0};
	char path[4200];
	int image, fd;

	need_erofs();
	need_loop();
	image = image_make("/tmp", path, sizeof(path));
	fd = expect_ok(erofs_mount(image, &(struct erofs_mount_options){.noacl = true}, &why),
		       &why);
	expect(why.text[0] == '\0');
	fd_close(image);
	expect(loop_in_use(path));
	image_check(fd);
	expect(!loop_in_use(path));
	expect(unlink(path) == 0);
}

static void falls_back_to_a_loop_device_that_leaves_with_the_mount(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_tmpfs);
}

static void body_loop(void)
{
	struct diag why = {0};
	char path[4200];
	struct stat st;
	int image, loop;

	need_loop();
	image = image_make(isolate_dir, path, sizeof(path));
	loop = expect_ok(loop_open(image, &why), &why);
	expect(fstat(loop, &st) == 0 && S_ISBLK(st.st_mode) && major(st.st_rdev) == 7);
	expect(loop_in_use(path));
	fd_close(loop);
	expect(!loop_in_use(path));
	fd_close(image);
}

static void a_loop_device_clears_itself(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_loop);
}

static void body_garbage(void)
{
	static const char *const directories[] = {"/tmp", isolate_dir};
	struct diag why = {0};

	need_erofs();
	need_loop();
	for (size_t i = 0; i < 2; i++) {
		char path[4200];
		int fd;

		(void)snprintf(path, sizeof(path), "%s/garbage-%d", directories[i], getpid());
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		expect(fd >= 0 && ftruncate(fd, 16384) == 0);
		expect(erofs_mount(fd, &(struct erofs_mount_options){0}, &why) == -EUCLEAN);
		expect_text(why.text, "does not accept it as an EROFS image");
		expect(!loop_in_use(path));
		fd_close(fd);
		expect(unlink(path) == 0);
	}
}

static void refuses_what_is_no_image_and_leaves_nothing_behind(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_garbage);
}

static void body_not_permitted(void)
{
	struct diag why = {0};
	char path[4200];
	int image = image_make(isolate_dir, path, sizeof(path));

	expect(erofs_mount(image, &(struct erofs_mount_options){0}, &why) == -EPERM);
	expect_text(why.text, "erofs: ");
	fd_close(image);
}

static void only_root_of_the_machine_may(void **state)
{
	(void)state;
	isolated(AS_USER, body_not_permitted);
	isolated(AS_USER_IN_USERNS, body_not_permitted);
}

static void body_label(void)
{
	struct mount_entry entry = {0};
	struct diag why = {0};
	char path[4200];
	int image, fd, target;

	need_erofs();
	image = image_make(isolate_dir, path, sizeof(path));
	fd = expect_ok(erofs_mount(image,
				   &(struct erofs_mount_options){.attributes = MOUNT_ATTR_NODEV},
				   &why),
		       &why);
	target = expect_ok(mount_target_open(isolate_dir, &why), &why);
	expect_ok(mount_attach(fd, target, &why), &why);
	expect_ok(mount_entry_at(isolate_dir, &entry, &why), &why);
	expect(strcmp(entry.type, "erofs") == 0);
	expect_text(entry.options, "ro");
	expect_text(entry.options, "nodev");
	expect(strncmp(entry.super_options, "ro", 2) == 0);
	mount_entry_release(&entry);
	fd_close(fd);
	fd_close(image);
	fd_close(target);
	expect_ok(mount_detach(isolate_dir, &(struct mount_detach_options){.foreign = true}, &why),
		  &why);
}

static void is_read_only_at_the_superblock(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_label);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_a_file_as_it_is),
		cmocka_unit_test(mounts_an_unlinked_file),
		cmocka_unit_test(falls_back_to_a_loop_device_that_leaves_with_the_mount),
		cmocka_unit_test(a_loop_device_clears_itself),
		cmocka_unit_test(refuses_what_is_no_image_and_leaves_nothing_behind),
		cmocka_unit_test(only_root_of_the_machine_may),
		cmocka_unit_test(is_read_only_at_the_superblock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
