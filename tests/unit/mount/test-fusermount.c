/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The real fusermount3 where it is installed; and this program itself under that name, misbehaving
 * as FAKE_FUSERMOUNT says.
 */
#include "check.h"

#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "mount/attach.h"
#include "mount/features.h"
#include "mount/fuse.h"
#include "mount/fusermount.h"
#include "mount/mountinfo.h"

static void fake_send(int socket, const int *fds, size_t count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 4)];
	} control = {0};
	struct iovec part = {(char[]){0}, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
	(void)sendmsg(socket, &message, 0);
}

static int fake_main(void)
{
	const char *how = getenv("FAKE_FUSERMOUNT");
	int socket = (int)strtol(getenv("_FUSE_COMMFD"), NULL, 10);
	int fds[] = {open("/dev/null", O_RDWR), open("/dev/zero", O_RDWR), -1};

	fds[2] = fds[0];
	if (strcmp(how, "wrong") == 0)
		fake_send(socket, fds, 1);
	else if (strcmp(how, "many") == 0)
		fake_send(socket, fds, 3);
	else if (strcmp(how, "byte") == 0)
		(void)!write(socket, "", 1);
	else if (strcmp(how, "killed") == 0)
		(void)raise(SIGKILL);
	else if (strcmp(how, "mute") == 0)
		return 3;
	else if (strcmp(how, "send-and-fail") == 0) {
		fake_send(socket, fds, 1);
		(void)fprintf(stderr, "fusermount3: changed\x1b[2J its mind\nmore\n");
		return 1;
	}
	return 0;
}

static void expect_fake(const char *how, int err, const char *text)
{
	struct fusermount_options options = {.source = "x"};
	struct diag why = {0};
	int r;

	expect(setenv("FAKE_FUSERMOUNT", how, 1) == 0);
	r = fusermount_mount(isolate_dir, &options, &why);
	if (r != err)
		expect_failed(__FILE__, __LINE__, how, diag_text(&why, r));
	expect_text(why.text, text);
}

/* A copy, not a link: where the build lies below /tmp, the body's own /tmp hides it. */
static void copy_self(const char *to)
{
	CLEAN(fd_closep) int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CLEAN(fd_closep) int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	char part[65536];
	ssize_t size;

	expect(in >= 0 && out >= 0);
	while ((size = fd_read(in, part, sizeof(part))) > 0)
		expect(fd_write(out, part, (size_t)size) == 0);
	expect(size == 0);
}

static void body_fakes(void)
{
	char program[4200];

	(void)snprintf(program, sizeof(program), "%s/fusermount3", isolate_dir);
	copy_self(program);
	expect(setenv("PATH", isolate_dir, 1) == 0);
	/* A stale one must not win over ours. */
	expect(setenv("_FUSE_COMMFD", "999", 1) == 0);
	expect_fake("nothing", -ENODATA, "sent no descriptor");
	expect_fake("byte", -ENODATA, "sent no descriptor");
	expect_fake("wrong", -EPERM, "not /dev/fuse");
	expect_fake("many", -EPERM, "more than one");
	expect_fake("killed", -EIO, "signal 9");
	expect_fake("mute", -EPERM, "status 3");
	expect_fake("send-and-fail", -EPERM, "fusermount3: changed?[2J its mind");
}

static void takes_nothing_but_the_device_from_the_program(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_fakes);
}

static void body_missing(void)
{
	struct fusermount_options options = {0};
	struct diag why = {0};

	expect(setenv("PATH", "/proc:/nowhere::", 1) == 0);
	expect(fusermount_find(&why) == -ENOENT);
	expect_text(why.text, "package fuse3");
	why.text[0] = '\0';
	expect(fusermount_mount(isolate_dir, &options, &why) == -ENOENT);
	expect_text(why.text, "package fuse3");
	expect(fusermount_unmount(isolate_dir, false, &why) == -ENOENT);
}

static void says_what_to_install_where_it_is_missing(void **state)
{
	(void)state;
	isolated(AS_ROOT, body_missing);
}

static void need_fusermount(void)
{
	const struct mount_feature *fusermount = mount_feature(MOUNT_FEATURE_FUSERMOUNT);

	if (!fusermount->available)
		isolate_skip("fusermount", fusermount->why.text);
}

static void body_real(void)
{
	static const char source[] = "a source, with\\specials";
	struct fusermount_options options = {.source = source, .subtype = MOUNT_FUSE_SUBTYPE};
	struct mount_entry entry = {0};
	struct diag why = {0};
	uint8_t request[8192]; /* FUSE_MIN_READ_BUFFER */
	struct stat st;
	int device;

	need_fusermount();
	expect(mkdir("/tmp/target", 0755) == 0);
	device = expect_ok(fusermount_mount("/tmp/target", &options, &why), &why);
	expect(fstat(device, &st) == 0 && st.st_rdev == makedev(10, 229));
	expect((fcntl(device, F_GETFD) & FD_CLOEXEC) != 0);
	expect_ok(mount_entry_at("/tmp/target", &entry, &why), &why);
	expect(strcmp(entry.type, "fuse.lamina") == 0);
	expect(strcmp(entry.source, source) == 0);
	expect(strncmp(entry.options, "ro,nosuid,nodev", 15) == 0);
	expect(strncmp(entry.super_options, "ro,user_id=1000", 15) == 0);
	mount_entry_release(&entry);
	/* umount2() is refused to this user; the program is not. */
	expect_ok(mount_detach("/tmp/target", &(struct mount_detach_options){0}, &why), &why);
	expect(read(device, request, sizeof(request)) < 0 && errno == ENODEV);
	fd_close(device);
	expect(rmdir("/tmp/target") == 0);
}

static void body_real_messages(void)
{
	struct fusermount_options options = {.subtype = MOUNT_FUSE_SUBTYPE};
	struct diag why = {0};

	need_fusermount();
	expect(fusermount_mount("/tmp/missing", &options, &why) == -EPERM);
	expect_text(why.text, "fusermount3: ");
	expect_text(why.text, "/tmp/missing");
	expect(fusermount_mount("/proc", &options, &why) == -EPERM);
	expect(fusermount_unmount("/proc", false, &why) == -EPERM);
	expect_text(why.text, "fusermount3: ");
}

static void an_unprivileged_user_mounts_and_unmounts(void **state)
{
	(void)state;
	isolated(AS_USER, body_real);
}

static void passes_on_what_the_program_says(void **state)
{
	(void)state;
	isolated(AS_USER, body_real_messages);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_nothing_but_the_device_from_the_program),
		cmocka_unit_test(says_what_to_install_where_it_is_missing),
		cmocka_unit_test(an_unprivileged_user_mounts_and_unmounts),
		cmocka_unit_test(passes_on_what_the_program_says),
	};

	if (argc > 1 && strcmp(argv[0], "fusermount3") == 0)
		return fake_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
