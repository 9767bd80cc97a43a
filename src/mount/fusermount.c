/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/fusermount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/program.h"
#include "mount/capability.h"

#define PROGRAM "fusermount3"
#define COMMFD "_FUSE_COMMFD"

/* Linux, Documentation/admin-guide/devices.txt: misc devices are major 10, fuse is 229. */
#define FUSE_DEVICE makedev(10, 229)

static int not_installed(struct diag *why)
{
	return diag_set(why, -ENOENT, "there is no " PROGRAM " (package fuse3 has it)");
}

int fusermount_find(struct diag *why)
{
	int r;

	if (!capability_can_gain(CAP_SYS_ADMIN))
		return diag_set(why, -EPERM,
				PROGRAM " cannot get CAP_SYS_ADMIN: the capability bounding set of "
					"this process lacks it, or no_new_privs is set");
	r = program_find(PROGRAM);
	return r == -ENOENT ? not_installed(why) : r;
}

/* The environment with _FUSE_COMMFD=fd in place of what it may have had. The array is owned. */
static char **environment_with(char *commfd)
{
	size_t count = 0, used = 0;
	char **words;

	while (environ[count])
		count++;
	words = calloc(count + 2, sizeof(*words));
	if (!words)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(environ[i], COMMFD "=", sizeof(COMMFD)) != 0)
			words[used++] = environ[i];
	}
	words[used] = commfd;
	return words;
}

/* A child with socket (-1: none) left open and talk as its stderr. */
static int fusermount_spawn(char *const *arguments, int socket, int talk, pid_t *ret,
			    struct diag *why)
{
	const struct program_fd fds[] = {{talk, STDERR_FILENO}, {socket, socket}};
	CLEAN(memory_freep) char **environment = NULL;
	char commfd[32];
	int r;

	(void)snprintf(commfd, sizeof(commfd), COMMFD "=%d", socket);
	environment = environment_with(socket >= 0 ? commfd : NULL);
	if (!environment)
		return -ENOMEM;
	r = program_spawn(arguments, environment, fds, socket >= 0 ? 2 : 1, ret);
	if (r == -ENOENT)
		return not_installed(why);
	return r < 0 ? diag_errno(why, r, "cannot run " PROGRAM) : 0;
}

/* One byte with one descriptor; -ENODATA when the other side closed without sending. */
static int descriptor_receive(int socket, struct diag *why)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char byte;
	struct iovec part = {&byte, 1};
	/* CMSG_LEN, not _SPACE: the padding would have room for a second descriptor. */
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = CMSG_LEN(sizeof(int))};
	struct cmsghdr *header;
	ssize_t size;
	int fd;

	do {
		size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (size < 0 && errno == EINTR);
	if (size < 0)
		return diag_errno(why, -errno, "cannot receive from " PROGRAM);
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)))
		return diag_set(why, -ENODATA, PROGRAM " sent no descriptor");
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	if (message.msg_flags & MSG_CTRUNC) {
		fd_close(fd);
		return diag_set(why, -EPERM, PROGRAM " sent more than one descriptor");
	}
	return fd;
}

static int device_check(int fd, struct diag *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return diag_errno(why, -errno, "cannot stat what " PROGRAM " sent");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != FUSE_DEVICE)
		return diag_set(why, -EPERM, PROGRAM " sent something that is not /dev/fuse");
	return 0;
}

/* Run, and receive; the program's own words win over "sent no descriptor". */
static int program_run(char *const *arguments, bool receives, struct diag *why)
{
	CLEAN(fd_closep) int ours = -1, theirs = -1, talk = -1, device = -1;
	struct diag unsent = {0};
	int pair[2], sent = 0, r;
	pid_t pid;

	talk = program_talk(why);
	if (talk < 0)
		return talk;
	if (receives) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			return diag_errno(why, -errno, "socketpair()");
		ours = pair[0];
		theirs = pair[1];
	}
	r = fusermount_spawn(arguments, theirs, talk, &pid, why);
	if (r < 0)
		return r;
	fd_closep(&theirs);
	if (receives) {
		sent = descriptor_receive(ours, &unsent);
		device = sent;
	}
	r = program_wait(pid, PROGRAM, talk, why);
	if (r < 0)
		return r;
	if (sent < 0)
		return diag_set(why, sent, "%s", unsent.text);
	if (!receives)
		return 0;
	r = device_check(device, why);
	return r < 0 ? r : fd_take(&device);
}

/* ",key=value", where a comma or backslash in value has a backslash before it, as fusermount3 reads
 * it. */
static int option_append(struct buf *options, const char *key, const char *value)
{
	int r = buf_printf(options, ",%s=", key);

	for (const char *c = value; *c && r == 0; c++) {
		if (*c == ',' || *c == '\\')
			r = buf_append_byte(options, '\\');
		if (r == 0)
			r = buf_append_byte(options, (uint8_t)*c);
	}
	return r;
}

static int options_compose(const struct fusermount_options *options, struct buf *ret)
{
	int r = buf_append_string(ret, "ro,nosuid,nodev");

	if (r == 0 && options->source)
		r = option_append(ret, "fsname", options->source);
	if (r == 0 && options->subtype)
		r = option_append(ret, "subtype", options->subtype);
	if (r == 0 && options->allow_other)
		r = buf_append_string(ret, ",allow_other");
	if (r == 0 && options->noexec)
		r = buf_append_string(ret, ",noexec");
	if (r == 0 && options->default_permissions)
		r = buf_append_string(ret, ",default_permissions");
	return r;
}

int fusermount_mount(const char *target, const struct fusermount_options *options, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	char *words;
	int r;

	r = options_compose(options, &text);
	words = r < 0 ? NULL : buf_string(&text);
	if (!words)
		return -ENOMEM;
	return program_run((char *[]){(char *)PROGRAM, (char *)"-o", words, (char *)"--",
				      (char *)target, NULL},
			   true, why);
}

int fusermount_unmount(const char *target, bool lazy, struct diag *why)
{
	return program_run((char *[]){(char *)PROGRAM, (char *)(lazy ? "-uz" : "-u"), (char *)"--",
				      (char *)target, NULL},
			   false, why);
}
