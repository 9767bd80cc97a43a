/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * overlay-oracle USERNS UID STAGE OPTIONS TARGET WRITABLE LOWER...: an overlay of idmapped layers,
 * put together in another way than lamina's
 *
 * Every layer is attached below the empty directory STAGE, and mount(2) is given paths, by a
 * process that is UID altogether and has kept its capabilities. WRITABLE has the directories upper
 * and work; OPTIONS begin with a comma, or are empty. USERNS is such as /proc/PID/ns/user, UID what
 * its root is here.
 */
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void clone_attach(const char *directory, int userns_fd, const char *place)
{
	struct mount_attr attributes = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (unsigned int)userns_fd,
		.propagation = MS_PRIVATE,
	};
	int fd = open_tree(AT_FDCWD, directory, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		err(1, "open_tree %s", directory);
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
		err(1, "mount_setattr %s", directory);
	if (mkdir(place, 0755) < 0 ||
	    move_mount(fd, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		err(1, "move_mount %s", place);
	(void)close(fd);
}

static void become(uid_t uid)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		err(1, "cannot become %u", uid);
	if (syscall(SYS_capget, &header, data) < 0)
		err(1, "capget");
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		err(1, "capset");
}

static int overlay_mount(const char *target, const char *options, uid_t uid)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		become(uid);
		if (mount("oracle", target, "overlay", 0, options) < 0)
			err(1, "mount %s at %s", options, target);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

static void place_remove(const char *place)
{
	if (umount2(place, MNT_DETACH) < 0 || rmdir(place) < 0)
		err(1, "%s", place);
}

int main(int argc, char **argv)
{
	char options[4096], place[512];
	int userns_fd, status;
	size_t used = 0;

	if (argc < 8)
		errx(2, "usage: overlay-oracle USERNS UID STAGE OPTIONS TARGET WRITABLE LOWER...");
	userns_fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (userns_fd < 0)
		err(1, "%s", argv[1]);
	for (int i = 6; i < argc; i++) {
		(void)snprintf(place, sizeof(place), "%s/%d", argv[3], i);
		clone_attach(argv[i], userns_fd, place);
		if (i > 6)
			used += (size_t)snprintf(options + used, sizeof(options) - used, "%s%s",
						 i == 7 ? "lowerdir=" : ":", place);
	}
	(void)snprintf(options + used, sizeof(options) - used,
		       ",upperdir=%s/6/upper,workdir=%s/6/work%s", argv[3], argv[3], argv[4]);
	status = overlay_mount(argv[5], options, (uid_t)strtoul(argv[2], NULL, 10));
	for (int i = 6; i < argc; i++) {
		(void)snprintf(place, sizeof(place), "%s/%d", argv[3], i);
		place_remove(place);
	}
	return status;
}
