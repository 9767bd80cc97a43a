/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazy_files.c - the contents of a lazily pulled image that are here
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/folder.h"
#include "mount/process.h"
#include "ops/lazy.h"
#include "ops/lazy_files.h"
#include "verity/sha.h"

#define READ_SIZE ((size_t)128 * 1024)

int lazy_file_check(int fd, const struct digest *expected, struct diag *why)
{
	CLEAN(sha_freep) struct sha *sha = NULL;
	CLEAN(memory_freep) uint8_t *data = malloc(READ_SIZE);
	struct digest found;
	uint64_t offset = 0;
	ssize_t got;
	int r;

	if (!data)
		return -ENOMEM;
	r = sha_new(DIGEST_SHA256, &sha, why);
	if (r < 0)
		return r;
	while ((got = fd_pread(fd, data, READ_SIZE, offset)) > 0) {
		r = sha_update(sha, span_of(data, (size_t)got));
		if (r < 0)
			return r;
		offset += (uint64_t)got;
	}
	if (got < 0)
		return (int)got;
	r = sha_finish(sha, &found);
	if (r == 0 && !digest_equal(&found, expected))
		return diag_set(why, -EBADMSG, "contents that have another SHA-256");
	return r;
}

/* The digest that a file at folder/name is of. */
static bool contents_name(const char *folder, const char *name, struct digest *ret)
{
	char path[DIGEST_PATH_SIZE_MAX];

	if (strlen(folder) != 2 || strlen(name) != 62)
		return false;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return digest_parse_path(span_of_string(path), ret) == 0;
}

int lazy_files_each(const struct lazy_image *image, lazy_file_visit *visit, void *context,
		    struct diag *why)
{
	CLEAN(folder_closep) DIR *top = folder_read(image->contents_fd);
	const struct dirent *outer;
	int r = top ? 0 : diag_errno(why, -errno, "cannot read the folder of contents");

	while (r == 0 && (outer = readdir(top))) {
		CLEAN(folder_closep) DIR *dir = NULL;
		const struct dirent *inner;

		if (outer->d_name[0] == '.')
			continue;
		dir = folder_read_at(dirfd(top), outer->d_name);
		while (dir && r == 0 && (inner = readdir(dir))) {
			struct digest contents;

			if (contents_name(outer->d_name, inner->d_name, &contents))
				r = visit(context, dirfd(dir), inner->d_name, &contents, why);
		}
	}
	return r;
}

/* One that a power loss has spoiled is fetched again. */
static int settle_one(void *context, int dir_fd, const char *name, const struct digest *contents,
		      struct diag *why)
{
	CLEAN(fd_closep) int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct diag ignored = {0};
	int r = fd < 0 ? -errno : lazy_file_check(fd, contents, &ignored);

	(void)context;
	if (r == 0 || r == -ENOENT)
		return 0;
	if (r == -ENOMEM || r == -EOPNOTSUPP)
		return r;
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		return diag_errno(why, -errno, "cannot take spoiled contents away");
	return 0;
}

int lazy_image_settle(const struct lazy_image *image, struct diag *why)
{
	char now[BOOT_ID_SIZE], before[BOOT_ID_SIZE] = "";
	CLEAN(fd_closep) int fd = -1;
	int r = boot_id_read(now, why);

	if (r < 0)
		return r;
	fd = openat(image->dir_fd, "boot", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot note the boot of the machine");
	if (fd_pread(fd, before, sizeof(before) - 1, 0) == (ssize_t)sizeof(before) - 1 &&
	    strcmp(before, now) == 0)
		return 0;
	r = lazy_files_each(image, settle_one, NULL, why);
	if (r == 0)
		r = fd_pwrite(fd, now, sizeof(now) - 1, 0);
	return r;
}

struct here {
	uint64_t count;
	uint64_t bytes;
};

static int count_one(void *context, int dir_fd, const char *name, const struct digest *contents,
		     struct diag *why)
{
	struct here *here = context;
	struct stat st;

	(void)contents;
	(void)why;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		here->count++;
		here->bytes += (uint64_t)st.st_size;
	}
	return 0;
}

int lazy_image_here(const struct lazy_image *image, uint64_t *ret_count, uint64_t *ret_bytes,
		    struct diag *why)
{
	struct here here = {0};
	int r = lazy_files_each(image, count_one, &here, why);

	if (r == 0) {
		*ret_count = here.count;
		*ret_bytes = here.bytes;
	}
	return r;
}
