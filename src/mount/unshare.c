/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/unshare.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/idmap.h"
#include "base/program.h"
#include "mount/capability.h"
#include "mount/userns.h"
#include "mount/userns_maps.h"

#define UID_HELPER "newuidmap"
#define GID_HELPER "newgidmap"

/* Whether this process may give any ids of its namespace to another one. */
static bool may_give_ids(void)
{
	return capability_has(CAP_SETUID) && capability_has(CAP_SETGID);
}

/* Linux, kernel/user_namespace.c, new_idmap_permitted(): the one map that is anybody's to write. */
static bool is_single(const struct idmap *map, uint32_t own)
{
	return map->count == 1 && map->extents[0].count == 1 && map->extents[0].outside == own;
}

bool unshare_needs_helpers(const struct idmaps *maps)
{
	return !(is_single(&maps->uids, geteuid()) && is_single(&maps->gids, getegid())) &&
	       !may_give_ids();
}

static int not_installed(const char *program, struct diag *why)
{
	return diag_set(why, -ENOENT, "there is no %s (package uidmap has it)", program);
}

static int helper_find(const char *program, struct diag *why)
{
	int r = program_find(program);

	return r == -ENOENT ? not_installed(program, why) : r;
}

int unshare_find_helpers(struct diag *why)
{
	int r = helper_find(UID_HELPER, why);

	return r < 0 ? r : helper_find(GID_HELPER, why);
}

/* The words of "PROGRAM PID INSIDE OUTSIDE COUNT...". The array is owned, its strings are text's.
 */
static char **words_make(const char *program, pid_t target, const struct idmap *map,
			 struct buf *text)
{
	size_t count = 2 + 3 * (size_t)map->count, offset = 0;
	char **words = calloc(count + 1, sizeof(*words));
	int r = words ? buf_printf(text, "%s%c%d%c", program, 0, target, 0) : -ENOMEM;

	for (uint32_t i = 0; i < map->count && r == 0; i++) {
		const struct idmap_extent *extent = &map->extents[i];

		r = buf_printf(text, "%u%c%u%c%u%c", extent->inside, 0, extent->outside, 0,
			       extent->count, 0);
	}
	if (r < 0) {
		free(words);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		words[i] = (char *)text->data + offset;
		offset += strlen(words[i]) + 1;
	}
	return words;
}

static int map_by_program(const char *program, pid_t target, const struct idmap *map,
			  struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(memory_freep) char **words = words_make(program, target, map, &text);
	CLEAN(fd_closep) int talk = program_talk(why);
	pid_t pid;
	int r;

	if (!words)
		return -ENOMEM;
	if (talk < 0)
		return talk;
	r = program_spawn(words, NULL, &(struct program_fd){talk, STDERR_FILENO}, 1, &pid);
	if (r == -ENOENT)
		return not_installed(program, why);
	return r < 0 ? diag_errno(why, r, "cannot run %s", program)
		     : program_wait(pid, program, talk, why);
}

/* user_namespaces(7): without privilege outside, a gid map is allowed only after this. */
static int setgroups_deny(int process_fd, struct diag *why)
{
	CLEAN(fd_closep) int fd = openat(process_fd, "setgroups", O_WRONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_write(fd, "deny", 4);

	return r < 0 ? diag_errno(why, r, "cannot write setgroups of the new user namespace") : 0;
}

static int uids_write(pid_t target, int process_fd, const struct idmap *map, struct diag *why)
{
	if (may_give_ids() || is_single(map, geteuid()))
		return userns_write_map(process_fd, "uid_map", map, why);
	return map_by_program(UID_HELPER, target, map, why);
}

static int gids_write(pid_t target, int process_fd, const struct idmap *map, struct diag *why)
{
	bool is_free = may_give_ids();
	int r = 0;

	if (!is_free && !is_single(map, getegid()))
		return map_by_program(GID_HELPER, target, map, why);
	if (!is_free)
		r = setgroups_deny(process_fd, why);
	return r < 0 ? r : userns_write_map(process_fd, "gid_map", map, why);
}

static int maps_write(pid_t target, const struct idmaps *maps, struct diag *why)
{
	CLEAN(fd_closep) int process_fd = -1;
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d", target);
	process_fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process_fd < 0)
		return diag_errno(why, -errno, "cannot open %s", path);
	r = uids_write(target, process_fd, &maps->uids, why);
	return r < 0 ? r : gids_write(target, process_fd, &maps->gids, why);
}

/* The child that stays outside. */
struct mapper {
	pid_t pid;
	int go_fd;   /* owned; a byte: write the maps; its end: there is nothing to do */
	int said_fd; /* owned; gives one struct mapper_answer */
};

struct mapper_answer {
	int error;
	struct diag why;
};

#define MAPPER_NONE ((struct mapper){.go_fd = -1, .said_fd = -1})

static void mapper_end(struct mapper *mapper)
{
	int saved = errno;

	fd_closep(&mapper->go_fd);
	fd_closep(&mapper->said_fd);
	if (mapper->pid > 0) {
		while (waitpid(mapper->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	errno = saved;
}

_Noreturn static void mapper_main(pid_t target, const struct idmaps *maps, int go_fd, int said_fd)
{
	struct mapper_answer answer = {0};
	char byte;

	if (fd_read(go_fd, &byte, 1) != 1)
		_exit(0);
	answer.error = maps_write(target, maps, &answer.why);
	(void)fd_write(said_fd, &answer, sizeof(answer));
	_exit(0);
}

static int mapper_begin(const struct idmaps *maps, struct mapper *ret, struct diag *why)
{
	CLEAN(mapper_end) struct mapper mapper = MAPPER_NONE;
	CLEAN(fd_closep) int go_read = -1, said_write = -1;
	pid_t target = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return diag_errno(why, -errno, "cannot make a pipe");
	go_read = ends[0];
	mapper.go_fd = ends[1];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return diag_errno(why, -errno, "cannot make a pipe");
	mapper.said_fd = ends[0];
	said_write = ends[1];
	(void)fflush(NULL); /* nothing buffered may be written twice */
	mapper.pid = fork();
	if (mapper.pid < 0)
		return diag_errno(why, -errno, "cannot start a process");
	if (mapper.pid == 0) {
		fd_closep(&mapper.go_fd); /* or its own copy would keep it waiting */
		mapper_main(target, maps, go_read, said_write);
	}
	*ret = mapper;
	mapper = MAPPER_NONE;
	return 0;
}

static int mapper_ask(struct mapper *mapper, struct diag *why)
{
	struct mapper_answer answer;
	int r = fd_write(mapper->go_fd, "", 1);

	if (r < 0)
		return diag_errno(why, r, "cannot reach the process that writes the id maps");
	if (fd_read(mapper->said_fd, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
		return diag_set(why, -ECHILD, "the process that writes the id maps ended early");
	if (answer.error < 0 && why)
		*why = answer.why;
	return answer.error;
}

/*
 * Whoever has no id of his own in the namespace, inside being IDMAP_NONE, becomes its root. Whoever
 * has, sees it: or a program that said that it wrote the map did not.
 */
static int ids_take(uint32_t inside, struct diag *why)
{
	if (inside != IDMAP_NONE)
		return geteuid() == inside ? 0
					   : diag_set(why, -EPERM, "the id map was not written");
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return diag_errno(why, -errno, "cannot become root of the new user namespace");
	/* As it was before: or /proc/self would belong to the host's root. */
	return prctl(PR_SET_DUMPABLE, 1) < 0 ? diag_errno(why, -errno, "prctl()") : 0;
}

int unshare_enter(const struct idmaps *maps, struct diag *why)
{
	CLEAN(mapper_end) struct mapper mapper = MAPPER_NONE;
	uint32_t inside = idmap_to_inside(&maps->uids, geteuid());
	int r;

	r = mapper_begin(maps, &mapper, why);
	if (r == 0)
		r = userns_unshare(why);
	if (r == 0)
		r = mapper_ask(&mapper, why);
	if (r == 0)
		r = ids_take(inside, why);
	if (r < 0)
		return r;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return diag_errno(why, -errno, "cannot make the mounts private");
	return 0;
}
