/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * receive-mount TYPE ACTION [ARGUMENT] COMMAND...: run a command with one end of a connected pair
 * of sockets as descriptor 9, and do something with the mount that comes out of the other end
 *
 * TYPE is stream, seqpacket or datagram. ACTION is
 *
 *   attach DIR       put it there
 *   read PATH        print this file of it
 *   hold PATH        the same, then keep it until the end of stdin
 *   inside DIR/FILE  attach it at DIR in new user and mount namespaces, and print the file
 *   leave            end without taking it out of the socket
 *   absent           close the receiving end before the command runs
 *
 * Ends as the command where that fails, else 0, or 1 with a line where the action fails. For tests.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND_FD 9

static pid_t command_start(char **words, int ends[2])
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid > 0)
		return pid;
	(void)close(ends[0]);
	if (dup2(ends[1], COMMAND_FD) < 0)
		err(1, "dup2");
	(void)execvp(words[0], words);
	err(127, "%s", words[0]);
}

/* The mount, or -1 where the other end was closed without one. */
static int mount_receive(int socket_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control;
	char data[16];
	struct iovec part = {data, sizeof(data)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	ssize_t size = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header;
	int fd;

	if (size < 0)
		err(1, "recvmsg");
	if (size == 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (size != 1 || data[0] != 0 || !header || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)) || (message.msg_flags & MSG_CTRUNC))
		errx(1, "the message is not one byte and one descriptor");
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void file_print(int mount_fd, const char *path)
{
	char data[4096];
	ssize_t size;
	int fd = openat(mount_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		err(1, "openat %s", path);
	while ((size = read(fd, data, sizeof(data))) > 0)
		(void)fwrite(data, 1, (size_t)size, stdout);
	if (size < 0)
		err(1, "read %s", path);
	(void)close(fd);
	(void)fflush(stdout);
}

static void attach(int mount_fd, const char *path)
{
	if (move_mount(mount_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		err(1, "move_mount to %s", path);
}

static void attach_inside(int mount_fd, const char *path)
{
	char directory[4096];
	const char *slash = strrchr(path, '/');

	(void)snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		err(1, "unshare");
	attach(mount_fd, directory);
	file_print(AT_FDCWD, path);
}

static void act(const char *action, const char *argument, int mount_fd)
{
	char byte;

	if (strcmp(action, "attach") == 0) {
		attach(mount_fd, argument);
		return;
	}
	if (strcmp(action, "inside") == 0) {
		attach_inside(mount_fd, argument);
		return;
	}
	file_print(mount_fd, argument);
	if (strcmp(action, "hold") == 0) {
		while (read(STDIN_FILENO, &byte, 1) == 1)
			;
	}
}

static int type_by_name(const char *name)
{
	return strcmp(name, "stream") == 0      ? SOCK_STREAM
	       : strcmp(name, "seqpacket") == 0 ? SOCK_SEQPACKET
						: SOCK_DGRAM;
}

int main(int argc, char **argv)
{
	const char *action = argc > 2 ? argv[2] : "";
	bool takes = strcmp(action, "leave") != 0 && strcmp(action, "absent") != 0;
	char **words = argv + (takes ? 4 : 3);
	int ends[2], status, mount_fd = -1;
	pid_t pid;

	if (argc < (takes ? 5 : 4))
		errx(2, "usage: receive-mount TYPE ACTION [ARGUMENT] COMMAND...");
	if (socketpair(AF_UNIX, type_by_name(argv[1]) | SOCK_CLOEXEC, 0, ends) < 0)
		err(1, "socketpair");
	if (strcmp(action, "absent") == 0)
		(void)close(ends[0]);
	pid = command_start(words, ends);
	(void)close(ends[1]);
	if (takes)
		mount_fd = mount_receive(ends[0]);
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	if (takes && mount_fd < 0)
		errx(1, "no mount came");
	if (takes)
		act(action, argv[3], mount_fd);
	return 0;
}
