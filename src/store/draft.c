/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/draft_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "verity/kernel.h"

/* Enough of "/proc/self/fd/2147483647". */
#define FD_PATH_SIZE 32

/* 62^12 names: a second try is for a bug or an enemy. */
#define NAME_TRIES 16

/* Waits of 1, 2, 4, ... ms, a quarter of a second together. */
#define BUSY_TRIES 8

int temporary_name(const char *prefix, char name[TEMPORARY_NAME_SIZE])
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	uint8_t random[12];
	char suffix[sizeof(random) + 1] = "";

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		suffix[i] = letters[random[i] % (sizeof(letters) - 1)];
	(void)snprintf(name, TEMPORARY_NAME_SIZE, "%s%s", prefix, suffix);
	return 0;
}

static char *fd_path(int fd, char path[FD_PATH_SIZE])
{
	(void)snprintf(path, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
	return path;
}

static int draft_open_named(struct draft *draft, struct diag *why)
{
	for (int i = 0; i < NAME_TRIES; i++) {
		int r = temporary_name(OBJECT_PREFIX, draft->name);

		if (r < 0)
			return diag_set(why, r, "no random bytes for a temporary name");
		draft->fd = openat(draft->dir_fd, draft->name,
				   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (draft->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return diag_errno(why, -errno, "cannot make a file in the repository");
}

int draft_open(int dir_fd, struct draft *ret, struct diag *why)
{
	struct draft draft = {.dir_fd = dir_fd, .fd = -1};

	draft.fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	if (draft.fd < 0) {
		int r;

		/* EISDIR: open(2), "O_TMPFILE", kernels that do not know the flag. */
		if (errno != EOPNOTSUPP && errno != EISDIR)
			return diag_errno(why, -errno, "cannot make a file in the repository");
		r = draft_open_named(&draft, why);
		if (r < 0)
			return r;
	}
	*ret = draft;
	return 0;
}

void draft_release(struct draft *draft)
{
	int saved = errno;

	if (draft->name[0])
		(void)unlinkat(draft->dir_fd, draft->name, 0);
	fd_close(draft->fd);
	*draft = DRAFT_NONE;
	errno = saved;
}

/*
 * Enable, with patience: a child that another thread forked holds our writable descriptor until it
 * executes something, and there is no event to wait for.
 */
static int enable_patiently(int fd, enum digest_algorithm algorithm, struct diag *why)
{
	struct timespec wait = {.tv_nsec = 1000 * 1000};
	int r;

	for (int i = 0;; i++) {
		struct diag reason = {0};

		r = verity_enable(fd, algorithm, &reason);
		if (r == 0)
			return 0;
		if (r != -ETXTBSY || i == BUSY_TRIES) {
			if (why)
				*why = reason;
			return r;
		}
		(void)nanosleep(&wait, NULL);
		wait.tv_nsec *= 2;
	}
}

int draft_seal(struct draft *draft, enum digest_algorithm algorithm, const struct digest *expected,
	       struct diag *why)
{
	char path[FD_PATH_SIZE];
	struct digest measured;
	int reader, r;

	reader = openat(AT_FDCWD, fd_path(draft->fd, path), O_RDONLY | O_CLOEXEC);
	if (reader < 0)
		return diag_errno(why, -errno, "cannot reopen a new file through /proc");
	fd_close(draft->fd);
	draft->fd = reader;
	r = enable_patiently(draft->fd, algorithm, why);
	if (r < 0 || !expected)
		return r;
	r = verity_measure(draft->fd, &measured, why);
	if (r < 0)
		return r;
	if (!digest_equal(&measured, expected))
		return diag_set(why, -EBADMSG,
				"the kernel's digest of a new object differs from ours");
	return 0;
}

int draft_link(struct draft *draft, int dir_fd, const char *path, struct diag *why)
{
	char source[FD_PATH_SIZE];
	int r;

	if (draft->name[0])
		r = renameat2(draft->dir_fd, draft->name, dir_fd, path, RENAME_NOREPLACE);
	else
		r = linkat(AT_FDCWD, fd_path(draft->fd, source), dir_fd, path, AT_SYMLINK_FOLLOW);
	if (r < 0 && (errno == EEXIST || errno == ENOENT))
		return -errno;
	if (r < 0)
		return diag_errno(why, -errno, "cannot link a new file as '%s'", path);
	draft->name[0] = '\0';
	return 0;
}

/* linkat() replaces nothing, renameat() does. */
static int draft_name(struct draft *draft, struct diag *why)
{
	for (int i = 0; i < NAME_TRIES; i++) {
		char name[TEMPORARY_NAME_SIZE];
		int r = temporary_name(OBJECT_PREFIX, name);

		if (r == 0)
			r = draft_link(draft, draft->dir_fd, name, why);
		if (r == 0)
			memcpy(draft->name, name, sizeof(name));
		if (r != -EEXIST)
			return r;
	}
	return -EEXIST;
}

int draft_replace(struct draft *draft, int dir_fd, const char *path, struct diag *why)
{
	if (!draft->name[0]) {
		int r = draft_name(draft, why);

		if (r < 0)
			return diag_wrap(why, r, "cannot name a new file");
	}
	if (renameat(draft->dir_fd, draft->name, dir_fd, path) < 0)
		return diag_errno(why, -errno, "cannot replace '%s'", path);
	draft->name[0] = '\0';
	return 0;
}

int folder_open(int parent_fd, const char *name, bool makes, struct diag *why)
{
	int fd;

	if (makes && mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST)
		return diag_errno(why, -errno, "cannot make the folder '%s'", name);
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	return fd < 0 ? diag_errno(why, -errno, "cannot open the folder '%s'", name) : fd;
}
