/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/container_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/folder.h"
#include "ops/runtime.h"

#define FOLDER "lamina/containers"
#define NAME_BYTES 6 /* of a random name */
#define WALK_FDS 16
#define ATTEMPTS_MAX 64 /* each lost to another who makes or removes the same folder */

/* What was killed left its folder. One that was made so lately may not have been locked yet. */
#define LEFT_AGE_S 60
/* Whoever looks for such folders has their locks for a moment. */
#define LOCK_ATTEMPTS_MAX 20
#define LOCK_WAIT_US 5000

static int name_check(const char *name, struct diag *why)
{
	size_t size =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	if (name[size] || size == 0 || size >= CONTAINER_NAME_SIZE_MAX || name[0] == '.' ||
	    name[0] == '-')
		return diag_set(
			why, -EINVAL,
			"a container is called by letters, digits, '_', '.' and '-', not '%s'",
			name);
	return 0;
}

static int name_choose(const char *name, char *ret, struct diag *why)
{
	uint8_t bytes[NAME_BYTES];
	int r;

	if (name) {
		r = name_check(name, why);
		if (r == 0)
			(void)snprintf(ret, CONTAINER_NAME_SIZE_MAX, "%s", name);
		return r;
	}
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return diag_errno(why, -errno, "cannot make up a name");
	hex_encode(span_of(bytes, sizeof(bytes)), ret);
	ret[2 * sizeof(bytes)] = '\0';
	return 0;
}

/*
 * A folder that the container's root can pass through, whoever that is, and nobody else can list.
 * Whoever owns a folder can put another in the place of what is in it, and what is in these will be
 * removed.
 */
static int folder_make(const char *path, struct diag *why)
{
	struct stat stat;

	if (mkdir(path, 0711) < 0 && errno != EEXIST)
		return diag_errno(why, -errno, "cannot make '%s'", path);
	if (lstat(path, &stat) < 0)
		return diag_errno(why, -errno, "cannot look at '%s'", path);
	if (!S_ISDIR(stat.st_mode))
		return diag_set(why, -ENOTDIR, "'%s' is not a directory", path);
	if (stat.st_uid != geteuid())
		return diag_set(why, -EPERM, "'%s' belongs to somebody else", path);
	return 0;
}

/* Where the system has no folder for such things: one of our own among everybody's. */
static int base_make(char **ret, struct diag *why)
{
	const char *given = secure_getenv("TMPDIR");
	char *path = NULL;
	int r;

	if (asprintf(&path, "%s/lamina-run-%u", given && given[0] == '/' ? given : "/tmp",
		     (unsigned int)geteuid()) < 0)
		return -ENOMEM;
	r = folder_make(path, why);
	if (r < 0) {
		free(path);
		return r;
	}
	*ret = path;
	return 0;
}

static int base_find(char **ret, struct diag *why)
{
	const char *given = runtime_path();

	if (!given)
		return base_make(ret, why);
	*ret = strdup(given);
	return *ret ? 0 : -ENOMEM;
}

/* Those of FOLDER below base. */
static int folders_make(const char *base, struct diag *why)
{
	CLEAN(memory_freep) char *path = NULL;
	char *slash;
	int r;

	if (asprintf(&path, "%s/" FOLDER, base) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	slash = strrchr(path, '/');
	*slash = '\0';
	r = folder_make(path, why);
	*slash = '/';
	return r < 0 ? r : folder_make(path, why);
}

static int entry_remove(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)ftw;
	(void)(type == FTW_DP || type == FTW_DNR ? rmdir(path) : unlink(path));
	return 0;
}

static void contents_remove(const char *path)
{
	(void)nftw(path, entry_remove, WALK_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Whether the folder is still the one that the path leads to. */
static bool is_in_place(const struct container_dir *dir)
{
	struct stat ours, found;

	return fstat(dir->fd, &ours) == 0 && lstat(dir->path, &found) == 0 &&
	       ours.st_dev == found.st_dev && ours.st_ino == found.st_ino;
}

/* So old that others may look whether somebody still has it. */
static bool is_old(int fd)
{
	struct timespec now;
	struct stat stat;

	return clock_gettime(CLOCK_REALTIME, &now) == 0 && fstat(fd, &stat) == 0 &&
	       now.tv_sec - stat.st_mtim.tv_sec > LEFT_AGE_S;
}

static int lock(int fd)
{
	int r = flock(fd, LOCK_EX | LOCK_NB);

	for (int i = 1; r < 0 && i < LOCK_ATTEMPTS_MAX && is_old(fd); i++) {
		(void)usleep(LOCK_WAIT_US);
		r = flock(fd, LOCK_EX | LOCK_NB);
	}
	return r;
}

/* Returns 1 with the lock, or 0 where somebody has just removed the folder. */
static int dir_lock(struct container_dir *dir, struct diag *why)
{
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir->fd < 0 && errno == ENOENT)
		return 0;
	if (dir->fd < 0)
		return diag_errno(why, -errno, "cannot open '%s'", dir->path);
	if (lock(dir->fd) < 0)
		return diag_set(why, -EEXIST, "a container '%s' runs already", dir->name);
	return is_in_place(dir);
}

static bool is_empty(int fd)
{
	CLEAN(folder_closep) DIR *list = folder_read(fd);
	const struct dirent *entry;

	while (list && (entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	}
	return list != NULL;
}

/*
 * What one that was killed has left goes first, while we have its lock. That we made a folder says
 * nothing about the one we have locked: ours may have been taken for one that was left, and what is
 * there now is somebody else's, who was killed.
 */
static int dir_make(struct container_dir *dir, struct diag *why)
{
	for (int i = 0; i < ATTEMPTS_MAX; i++) {
		int r;

		if (mkdir(dir->path, 0711) < 0 && errno != EEXIST)
			return diag_errno(why, -errno, "cannot make '%s'", dir->path);
		r = dir_lock(dir, why);
		if (r < 0 || (r > 0 && is_empty(dir->fd)))
			return r < 0 ? r : 0;
		if (r > 0)
			contents_remove(dir->path);
		fd_closep(&dir->fd);
	}
	return diag_set(why, -EEXIST, "'%s' cannot be removed", dir->path);
}

static void left_remove(const char *folder, const char *name)
{
	struct container_dir dir = CONTAINER_DIR_NONE;

	if (name[0] == '.')
		return;
	if (asprintf(&dir.path, "%s/%s", folder, name) < 0) {
		dir.path = NULL;
		return;
	}
	dir.fd = open(dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir.fd >= 0 && is_old(dir.fd) && flock(dir.fd, LOCK_EX | LOCK_NB) == 0 &&
	    is_in_place(&dir))
		contents_remove(dir.path);
	container_dir_release(&dir);
}

/* Of all containers that are no more. Whatever is wrong there is no reason not to run another. */
static void all_left_remove(const char *base)
{
	CLEAN(memory_freep) char *folder = NULL;
	CLEAN(folder_closep) DIR *list = NULL;
	const struct dirent *entry;

	if (asprintf(&folder, "%s/" FOLDER, base) < 0) {
		folder = NULL;
		return;
	}
	list = opendir(folder);
	while (list && (entry = readdir(list)) != NULL)
		left_remove(folder, entry->d_name);
}

int container_dir_make(const char *name, struct container_dir *ret, struct diag *why)
{
	CLEAN(memory_freep) char *base = NULL;
	struct container_dir dir = CONTAINER_DIR_NONE;
	int r;

	r = name_choose(name, dir.name, why);
	if (r == 0)
		r = base_find(&base, why);
	if (r == 0)
		r = folders_make(base, why);
	if (r < 0)
		return r;
	all_left_remove(base);
	if (asprintf(&dir.path, "%s/" FOLDER "/%s", base, dir.name) < 0) {
		dir.path = NULL;
		return -ENOMEM;
	}
	r = dir_make(&dir, why);
	if (r < 0) {
		container_dir_release(&dir);
		return r;
	}
	*ret = dir;
	return 0;
}

bool container_dir_is_root_of(const char *path, const char *name)
{
	char end[sizeof("/" FOLDER "//" CONTAINER_ROOT) + CONTAINER_NAME_SIZE_MAX];
	size_t size = strlen(path), end_size;

	if (strlen(name) >= CONTAINER_NAME_SIZE_MAX)
		return false;
	end_size = (size_t)snprintf(end, sizeof(end), "/" FOLDER "/%s/" CONTAINER_ROOT, name);
	return size > end_size && strcmp(path + size - end_size, end) == 0;
}

void container_dir_remove(struct container_dir *dir)
{
	if (dir->path)
		contents_remove(dir->path);
	container_dir_release(dir);
}

void container_dir_release(struct container_dir *dir)
{
	fd_closep(&dir->fd);
	free(dir->path);
	dir->path = NULL;
}
