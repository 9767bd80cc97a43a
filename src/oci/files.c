/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/reader.h"

void oci_file_release(struct oci_file *file)
{
	fd_close(file->fd);
	*file = OCI_FILE_NONE;
}

/* A directory */

struct directory {
	struct oci_files_base base;
	int fd; /* owned */
};

static int directory_find(struct oci_files *files, const char *path, struct oci_file *ret,
			  struct diag *why)
{
	struct directory *directory = (struct directory *)files;
	/* What is no regular file must not make us wait for somebody to open its other end. */
	CLEAN(fd_closep)
	int fd = fd_open_within(directory->fd, path, O_RDONLY | O_NOCTTY | O_NONBLOCK,
				RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	struct stat stat;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return -ENOENT;
	if (fd == -ELOOP)
		return diag_set(why, -EUCLEAN, "'%.200s' is a symbolic link", path);
	if (fd < 0)
		return diag_errno(why, fd, "cannot open '%.200s'", path);
	if (fstat(fd, &stat) < 0)
		return diag_errno(why, -errno, "cannot stat '%.200s'", path);
	if (!S_ISREG(stat.st_mode))
		return diag_set(why, -EUCLEAN, "'%.200s' is not a regular file", path);
	*ret = (struct oci_file){.fd = fd_take(&fd), .size = (uint64_t)stat.st_size};
	return 0;
}

static void directory_close(struct oci_files *files)
{
	struct directory *directory = (struct directory *)files;

	fd_close(directory->fd);
	free(directory);
}

int oci_directory_open(const char *path, struct oci_files **ret, struct diag *why)
{
	struct directory *directory = calloc(1, sizeof(*directory));
	int err;

	if (!directory)
		return -ENOMEM;
	directory->base = (struct oci_files_base){directory_find, directory_close};
	directory->fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory->fd < 0) {
		err = -errno;
		free(directory);
		return diag_errno(why, err, "cannot open directory '%.300s'", path);
	}
	*ret = (struct oci_files *)directory;
	return 0;
}

/* Either */

void oci_files_close(struct oci_files *files)
{
	int saved = errno;

	if (files)
		((struct oci_files_base *)files)->close(files);
	errno = saved;
}

void oci_files_closep(struct oci_files **files)
{
	oci_files_close(*files);
	*files = NULL;
}

static bool path_is_plain(const char *path)
{
	for (;;) {
		size_t size = strcspn(path, "/");

		if (size == 0 || (size == 1 && path[0] == '.') ||
		    (size == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (!path[size])
			return true;
		path += size + 1;
	}
}

int oci_files_find(struct oci_files *files, const char *path, struct oci_file *ret,
		   struct diag *why)
{
	if (!path_is_plain(path))
		return diag_set(why, -EUCLEAN, "'%.200s' is no path within the image's files",
				path);
	return ((struct oci_files_base *)files)->find(files, path, ret, why);
}

int oci_files_read(struct oci_files *files, const char *path, size_t limit, struct buf *ret,
		   struct diag *why)
{
	CLEAN(oci_file_release) struct oci_file file = OCI_FILE_NONE;
	ssize_t got;
	int r;

	r = oci_files_find(files, path, &file, why);
	if (r < 0)
		return r;
	if (file.size > limit)
		return diag_set(why, -E2BIG, "'%.200s' has more than %zu bytes", path, limit);
	if (buf_reserve(ret, (size_t)file.size + 1) < 0)
		return -ENOMEM;
	got = fd_pread(file.fd, ret->data + ret->size, (size_t)file.size, file.offset);
	if (got < 0)
		return diag_errno(why, (int)got, "cannot read '%.200s'", path);
	if ((uint64_t)got < file.size)
		return diag_set(why, -EUCLEAN, "'%.200s' has become shorter", path);
	ret->size += (size_t)got;
	return 0;
}

/* Reading in order */

struct range {
	struct oci_file file; /* owned; of which the first bytes have been read */
};

static ssize_t range_read(void *context, void *data, size_t size, struct diag *why)
{
	struct oci_file *file = &((struct range *)context)->file;
	ssize_t got;

	if (size > file->size)
		size = (size_t)file->size;
	if (size == 0)
		return 0;
	got = fd_pread(file->fd, data, size, file->offset);
	if (got < 0)
		return diag_errno(why, (int)got, "cannot read");
	if (got == 0)
		return diag_set(why, -EUCLEAN, "the file has become shorter");
	file->offset += (size_t)got;
	file->size -= (size_t)got;
	return got;
}

static void range_close(void *context)
{
	struct range *range = context;

	oci_file_release(&range->file);
	free(range);
}

int oci_file_reader(struct oci_file *file, uint64_t offset, struct reader *ret, struct diag *why)
{
	struct range *range = malloc(sizeof(*range));

	(void)why;
	if (!range) {
		oci_file_release(file);
		return -ENOMEM;
	}
	if (offset > file->size)
		offset = file->size;
	range->file = *file;
	range->file.offset += offset;
	range->file.size -= offset;
	*file = OCI_FILE_NONE;
	(void)posix_fadvise(range->file.fd, (off_t)range->file.offset, (off_t)range->file.size,
			    POSIX_FADV_SEQUENTIAL);
	*ret = (struct reader){range_read, range_close, range};
	return 0;
}
