/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/userns_maps.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/idmap.h"

/* IDMAP_EXTENT_MAX lines of three numbers of at most ten digits. */
#define MAP_SIZE_MAX (IDMAP_EXTENT_MAX * 40)

static int map_read(int process_fd, const char *name, struct idmap *ret, struct diag *why)
{
	CLEAN(fd_closep) int fd = openat(process_fd, name, O_RDONLY | O_CLOEXEC);
	CLEAN(buf_release) struct buf text = {0};
	int r;

	if (fd < 0)
		return diag_errno(why, -errno, "cannot open %s of the process", name);
	r = fd_read_all(fd, MAP_SIZE_MAX, &text);
	if (r < 0)
		return diag_errno(why, r, "cannot read %s of the process", name);
	ret->count = 0;
	return idmap_add_lines(ret, buf_span(&text), why);
}

static int maps_read(int process_fd, struct idmaps *ret, struct diag *why)
{
	int r = map_read(process_fd, "uid_map", &ret->uids, why);

	return r < 0 ? r : map_read(process_fd, "gid_map", &ret->gids, why);
}

static int process_open(pid_t pid, struct diag *why)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? diag_errno(why, -errno, "cannot look at process %d", pid) : fd;
}

/* A process that waits for the end of our pipe: what it was told to do first, it has done. */
struct stand_in {
	pid_t pid;
	int go_fd; /* owned; closing it lets the process end */
};

static void stand_in_end(struct stand_in *child)
{
	fd_closep(&child->go_fd);
	if (child->pid > 0) {
		while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

/* What a child does: join the namespace, or make one. Returns 0 or -errno. */
static int enter(int join_fd)
{
	int r = join_fd >= 0 ? setns(join_fd, CLONE_NEWUSER) : unshare(CLONE_NEWUSER);

	return r < 0 ? -errno : 0;
}

_Noreturn static void stand_in_main(int join_fd, int said_fd, int go_fd)
{
	int r = enter(join_fd);
	char byte;

	(void)fd_write(said_fd, &r, sizeof(r));
	(void)fd_read(go_fd, &byte, 1);
	_exit(0);
}

/* Start a process in the namespace of join_fd, or, for -1, in a new one. */
static int stand_in_begin(int join_fd, struct stand_in *ret, struct diag *why)
{
	CLEAN(stand_in_end) struct stand_in child = {.go_fd = -1};
	CLEAN(fd_closep) int said_read = -1, said_write = -1, go_read = -1;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return diag_errno(why, -errno, "cannot make a pipe");
	said_read = ends[0];
	said_write = ends[1];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return diag_errno(why, -errno, "cannot make a pipe");
	go_read = ends[0];
	child.go_fd = ends[1];
	child.pid = fork();
	if (child.pid < 0)
		return diag_errno(why, -errno, "cannot start a process");
	if (child.pid == 0) {
		fd_closep(&child.go_fd); /* or its own copy would keep it waiting */
		stand_in_main(join_fd, said_write, go_read);
	}
	fd_closep(&said_write);
	if (fd_read(said_read, &r, sizeof(r)) != (ssize_t)sizeof(r))
		r = -ECHILD;
	if (r < 0)
		return diag_errno(why, r,
				  join_fd >= 0 ? "cannot enter the user namespace"
					       : "cannot make a user namespace");
	*ret = child;
	child = (struct stand_in){.go_fd = -1};
	return 0;
}

static int maps_of_namespace(int userns_fd, struct idmaps *ret, struct diag *why)
{
	CLEAN(stand_in_end) struct stand_in child = {.go_fd = -1};
	CLEAN(fd_closep) int process_fd = -1;
	int r;

	r = stand_in_begin(userns_fd, &child, why);
	if (r < 0)
		return r;
	process_fd = process_open(child.pid, why);
	return process_fd < 0 ? process_fd : maps_read(process_fd, ret, why);
}

static bool is_own(int userns_fd)
{
	struct stat own, other;

	return stat("/proc/self/ns/user", &own) == 0 && fstat(userns_fd, &other) == 0 &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 10;
}

/* Of a process its maps can be read, also where its namespace may not be entered. */
static int of_process(const char *text, struct idmaps *ret, int *ret_fd, struct diag *why)
{
	CLEAN(fd_closep) int process_fd = -1, userns_fd = -1;
	int pid = 0, r;

	(void)sscanf(text, "%d", &pid);
	process_fd = process_open(pid, why);
	if (process_fd < 0)
		return process_fd;
	userns_fd = openat(process_fd, "ns/user", O_RDONLY | O_CLOEXEC);
	if (userns_fd < 0)
		return diag_errno(why, -errno, "cannot open the user namespace of process %d", pid);
	if (is_own(userns_fd)) {
		idmap_set_identity(&ret->uids);
		idmap_set_identity(&ret->gids);
	} else {
		r = maps_read(process_fd, ret, why);
		if (r < 0)
			return r;
	}
	if (ret_fd)
		*ret_fd = fd_take(&userns_fd);
	return 0;
}

static int of_path(const char *path, struct idmaps *ret, int *ret_fd, struct diag *why)
{
	CLEAN(fd_closep) int userns_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (userns_fd < 0)
		return diag_errno(why, -errno, "cannot open '%s'", path);
	if (ioctl(userns_fd, NS_GET_NSTYPE) != CLONE_NEWUSER)
		return diag_set(why, -EINVAL, "'%s' is not a user namespace", path);
	if (is_own(userns_fd)) {
		idmap_set_identity(&ret->uids);
		idmap_set_identity(&ret->gids);
	} else {
		r = maps_of_namespace(userns_fd, ret, why);
		if (r < 0)
			return r;
	}
	if (ret_fd)
		*ret_fd = fd_take(&userns_fd);
	return 0;
}

int userns_read_maps(const char *text, struct idmaps *ret, int *ret_fd, struct diag *why)
{
	return is_number(text) ? of_process(text, ret, ret_fd, why)
			       : of_path(text, ret, ret_fd, why);
}

int userns_own_maps(struct idmaps *ret, struct diag *why)
{
	CLEAN(fd_closep) int process_fd = process_open(getpid(), why);

	return process_fd < 0 ? process_fd : maps_read(process_fd, ret, why);
}

int userns_own_ids(struct idmaps *ret, struct diag *why)
{
	struct idmaps own;
	int r = userns_own_maps(&own, why);

	if (r < 0)
		return r;
	idmap_of_inside(&own.uids, &ret->uids);
	idmap_of_inside(&own.gids, &ret->gids);
	return 0;
}

int userns_write_map(int process_fd, const char *name, const struct idmap *map, struct diag *why)
{
	CLEAN(fd_closep) int fd = openat(process_fd, name, O_WRONLY | O_CLOEXEC);
	CLEAN(buf_release) struct buf lines = {0};
	ssize_t size;
	int r;

	if (fd < 0)
		return diag_errno(why, -errno, "cannot open %s of the new user namespace", name);
	r = idmap_print(map, &lines);
	if (r < 0)
		return r;
	/* In one write(2), or it is refused. */
	size = write(fd, lines.data, lines.size);
	if (size < 0 && errno == EPERM)
		return diag_set(
			why, -EPERM,
			"%s: some of the ids are not this process's to give away (which takes "
			"CAP_SETUID and CAP_SETGID in this user namespace), or do not exist here",
			name);
	return size < 0 ? diag_errno(why, -errno, "cannot write %s", name) : 0;
}

int userns_make(const struct idmaps *maps, struct diag *why)
{
	CLEAN(stand_in_end) struct stand_in child = {.go_fd = -1};
	CLEAN(fd_closep) int process_fd = -1, userns_fd = -1;
	int r;

	r = stand_in_begin(-1, &child, why);
	if (r < 0)
		return r;
	process_fd = process_open(child.pid, why);
	if (process_fd < 0)
		return process_fd;
	r = userns_write_map(process_fd, "uid_map", &maps->uids, why);
	if (r == 0)
		r = userns_write_map(process_fd, "gid_map", &maps->gids, why);
	if (r < 0)
		return r;
	userns_fd = openat(process_fd, "ns/user", O_RDONLY | O_CLOEXEC);
	if (userns_fd < 0)
		return diag_errno(why, -errno, "cannot open the new user namespace");
	return fd_take(&userns_fd);
}
