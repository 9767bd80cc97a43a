/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/program.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"

int program_find(const char *name)
{
	const char *path = getenv("PATH");

	for (path = path ? path : "/bin:/usr/bin"; *path; path += strspn(path, ":")) {
		CLEAN(memory_freep) char *candidate = NULL;
		size_t size = strcspn(path, ":");

		if (asprintf(&candidate, "%.*s/%s", (int)size, path, name) < 0) {
			candidate = NULL;
			return -ENOMEM;
		}
		if (access(candidate, X_OK) == 0)
			return 0;
		path += size;
	}
	return -ENOENT;
}

static int attributes_init(posix_spawnattr_t *ret)
{
	sigset_t none, all;
	int r = posix_spawnattr_init(ret);

	if (r)
		return r;
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawnattr_setsigmask(ret, &none);
	(void)posix_spawnattr_setsigdefault(ret, &all);
	(void)posix_spawnattr_setflags(ret, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return 0;
}

int program_spawn(char *const *arguments, char *const *environment, const struct program_fd *fds,
		  size_t count, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -r;
	r = attributes_init(&attributes);
	if (r) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return -r;
	}
	/* Onto itself: that clears close-on-exec. */
	for (size_t i = 0; i < count && r == 0; i++)
		r = posix_spawn_file_actions_adddup2(&actions, fds[i].ours, fds[i].there);
	if (r == 0)
		r = posix_spawnp(ret, arguments[0], &actions, &attributes, arguments,
				 environment ? environment : environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int program_talk(struct diag *why)
{
	int fd = memfd_create("stderr", MFD_CLOEXEC);

	return fd < 0 ? diag_errno(why, -errno, "memfd_create()") : fd;
}

static const char *first_line(int talk, const char *name, char *text, size_t size)
{
	ssize_t got = fd_pread(talk, text, size - 1, 0);
	size_t name_size = strlen(name);
	char *line = text, *end;

	text[got > 0 ? got : 0] = '\0';
	if (strncmp(line, name, name_size) == 0 && strncmp(line + name_size, ": ", 2) == 0)
		line += name_size + 2;
	for (end = line; *end && *end != '\n'; end++) {
		if (!isprint((unsigned char)*end))
			*end = '?';
	}
	*end = '\0';
	return line;
}

int program_wait(pid_t pid, const char *name, int talk, struct diag *why)
{
	char text[300];
	const char *line;
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return diag_errno(why, -errno, "cannot wait for %s", name);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return diag_set(why, -EIO, "%s was killed by signal %d", name, WTERMSIG(status));
	line = first_line(talk, name, text, sizeof(text));
	if (*line)
		return diag_set(why, -EPERM, "%s: %s", name, line);
	return diag_set(why, -EPERM, "%s ended with status %d", name, WEXITSTATUS(status));
}
