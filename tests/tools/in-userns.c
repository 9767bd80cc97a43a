/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * in-userns MAP COMMAND...: run a command as root of a new user namespace
 *
 * MAP is INSIDE:OUTSIDE:COUNT[,...], of users and groups; outside are ids of here. The process id
 * stays. For tests only: needs root.
 */
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void map_write(pid_t pid, const char *name, const char *map)
{
	char path[64], text[4096];
	size_t size = strlen(map);
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	(void)snprintf(text, sizeof(text), "%s\n", map);
	for (size_t i = 0; i < size; i++)
		text[i] = text[i] == ':' ? ' ' : text[i] == ',' ? '\n' : text[i];
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, size + 1) < 0)
		err(1, "%s", path);
	(void)close(fd);
}

/* A child that stays outside, and writes the maps of its parent when that is inside. */
static pid_t helper_start(const char *map, int *ret_go)
{
	pid_t parent = getpid(), pid;
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC) < 0)
		err(1, "pipe");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		(void)close(ends[1]);
		if (read(ends[0], &byte, 1) != 1)
			_exit(1);
		map_write(parent, "uid_map", map);
		map_write(parent, "gid_map", map);
		_exit(0);
	}
	(void)close(ends[0]);
	*ret_go = ends[1];
	return pid;
}

int main(int argc, char **argv)
{
	int go, status;
	pid_t helper;

	if (argc < 3)
		errx(2, "usage: in-userns MAP COMMAND...");
	helper = helper_start(argv[1], &go);
	if (unshare(CLONE_NEWUSER) < 0)
		err(1, "unshare");
	if (write(go, "", 1) != 1 || waitpid(helper, &status, 0) < 0 || status != 0)
		errx(1, "no maps");
	(void)close(go);
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		err(1, "cannot be root of the namespace");
	(void)execvp(argv[2], argv + 2);
	err(127, "%s", argv[2]);
}
