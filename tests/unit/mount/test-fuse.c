/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "mount/attach.h"
#include "mount/fuse.h"
#include "mount/mountinfo.h"
#include "mount/userns.h"

static struct fuse_mount_options options_make(void)
{
	return (struct fuse_mount_options){
		.source = "an image",
		.subtype = MOUNT_FUSE_SUBTYPE,
		.user_id = geteuid(),
		.group_id = getegid(),
		.allow_other = true,
		.default_permissions = true,
		.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	};
}

static int device_open(void)
{
	struct diag why = {0};
	int fd = fuse_device_open(&why);

	if (fd < 0)
		isolate_skip("fuse", why.text);
	return fd;
}

/* The kernel's first request waits in the device. */
static void expect_init(int device)
{
	uint8_t request[FUSE_MIN_READ_BUFFER];
	struct fuse_in_header header;
	struct pollfd wait = {.fd = device, .events = POLLIN};

	expect(poll(&wait, 1, 10000) == 1);
	expect(read(device, request, sizeof(request)) >= (ssize_t)sizeof(header));
	memcpy(&header, request, sizeof(header));
	expect(header.opcode == FUSE_INIT);
}

static void expect_mounted(void)
{
	struct mount_entry entry = {0};
	struct diag why = {0};

	expect_ok(mount_entry_at(isolate_dir, &entry, &why), &why);
	expect(strcmp(entry.type, "fuse.lamina") == 0);
	expect(strcmp(entry.source, "an image") == 0);
	expect(strncmp(entry.options, "ro,nosuid,nodev", 15) == 0);
	expect(strncmp(entry.super_options, "ro,", 3) == 0);
	expect_text(entry.super_options, "default_permissions");
	expect_text(entry.super_options, "allow_other");
	expect(mount_entry_is_ours(&entry));
	mount_entry_release(&entry);
}

static void body_mount(void)
{
	struct fuse_mount_options options = options_make();
	struct diag why = {0};
	uint8_t request[FUSE_MIN_READ_BUFFER];
	int device = device_open(), target, fd;

	fd = expect_ok(fuse_mount(device, &options, &why), &why);
	target = expect_ok(mount_target_open(isolate_dir, &why), &why);
	expect_ok(mount_attach(fd, target, &why), &why);
	fd_close(target);
	fd_close(fd);
	expect_init(device);
	expect_mounted();
	expect_ok(mount_detach(isolate_dir, &(struct mount_detach_options){0}, &why), &why);
	/* The connection ended with the mount: nobody holds a context. */
	expect(read(device, request, sizeof(request)) < 0 && errno == ENODEV);
	fd_close(device);
	expect(why.text[0] == '\0');
}

static void mounts_for_root_and_in_a_user_namespace(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_mount);
	isolated(AS_USER_IN_USERNS, body_mount);
}

static void body_dead(void)
{
	struct fuse_mount_options options = options_make();
	struct diag why = {0};
	int device = device_open(), target, fd;

	fd = expect_ok(fuse_mount(device, &options, &why), &why);
	target = expect_ok(mount_target_open(isolate_dir, &why), &why);
	expect_ok(mount_attach(fd, target, &why), &why);
	fd_close(target);
	fd_close(fd);
	fd_close(device); /* the server dies */
	expect_mounted();
	expect_ok(mount_detach(isolate_dir, &(struct mount_detach_options){0}, &why), &why);
}

static void a_mount_without_server_can_be_named_and_unmounted(void **state)
{
	(void)state;
	isolated(AS_USER_IN_USERNS, body_dead);
}

static void body_unmapped(void)
{
	struct fuse_mount_options options = options_make();
	struct diag why = {0};
	int device = device_open();

	options.user_id = 12345;
	expect(!userns_has_uid(12345));
	expect(fuse_mount(device, &options, &why) == -EINVAL);
	expect_text(why.text, "fuse: user_id: ");
	fd_close(device);
}

static void refuses_an_owner_without_meaning_outside(void **state)
{
	(void)state;
	isolated(AS_USER_IN_USERNS, body_unmapped);
}

static void body_unprivileged(void)
{
	struct fuse_mount_options options = options_make();
	struct diag why = {0};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	expect(fuse_mount(null, &options, &why) == -EPERM);
	fd_close(null);
}

static void an_unprivileged_user_may_not(void **state)
{
	(void)state;
	isolated(AS_USER, body_unprivileged);
}

static void body_not_a_device(void)
{
	struct fuse_mount_options options = options_make();
	struct diag why = {0};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	expect(fuse_mount(null, &options, &why) == -EINVAL);
	expect_text(why.text, "fuse: ");
	fd_close(null);
}

static void refuses_what_is_not_the_device(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_not_a_device);
}

static void body_device_messages(void)
{
	struct diag why = {0};

	expect(mount("/dev/null", "/dev/fuse", NULL, MS_BIND, NULL) == 0);
	expect(umount2("/dev/fuse", 0) == 0);
	/* An empty /dev. */
	expect(mount("tmpfs", "/dev", "tmpfs", 0, "mode=0755") == 0);
	expect(fuse_device_open(&why) == -ENOENT);
	expect_text(why.text, "modprobe fuse");
	file_make(AT_FDCWD, "/dev/fuse", "");
	expect(chmod("/dev/fuse", 0600) == 0);
	expect(seteuid(TEST_UID) == 0);
	expect(fuse_device_open(&why) == -EACCES);
	expect_text(why.text, "mode 0666");
	expect(seteuid(0) == 0);
	expect(umount2("/dev", 0) == 0);
}

static void says_what_to_do_about_the_device(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_device_messages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_for_root_and_in_a_user_namespace),
		cmocka_unit_test(a_mount_without_server_can_be_named_and_unmounted),
		cmocka_unit_test(refuses_an_owner_without_meaning_outside),
		cmocka_unit_test(an_unprivileged_user_may_not),
		cmocka_unit_test(refuses_what_is_not_the_device),
		cmocka_unit_test(says_what_to_do_about_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
