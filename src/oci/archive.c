/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/reader.h"
#include "oci/files.h"
#include "oci/plain_file.h"
#include "oci/tar_index.h"

#define SPOOL_BUFFER_SIZE ((size_t)256 * 1024)

struct archive {
	struct oci_files_base base;
	int fd;                  /* owned */
	struct tar_index *index; /* owned */
};

static int archive_find(struct oci_files *files, const char *path, struct oci_file *ret,
			struct diag *why)
{
	struct archive *archive = (struct archive *)files;
	struct tar_range range;
	int r, fd;

	r = tar_index_find(archive->index, path, &range, why);
	if (r < 0)
		return r;
	fd = fcntl(archive->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open '%.200s'", path);
	*ret = (struct oci_file){.fd = fd, .offset = range.offset, .size = range.size};
	return 0;
}

static void archive_close(struct oci_files *files)
{
	struct archive *archive = (struct archive *)files;

	tar_index_free(archive->index);
	fd_close(archive->fd);
	free(archive);
}

static int spool_fill(int fd, struct reader *plain, struct diag *why)
{
	CLEAN(memory_freep) uint8_t *buffer = malloc(SPOOL_BUFFER_SIZE);
	ssize_t got;
	int r;

	if (!buffer)
		return -ENOMEM;
	while ((got = reader_read(plain, buffer, SPOOL_BUFFER_SIZE, why)) > 0) {
		r = fd_write(fd, buffer, (size_t)got);
		if (r < 0)
			return diag_errno(why, r, "cannot write a temporary file");
	}
	return (int)got;
}

static ssize_t stream_read(void *context, void *data, size_t size, struct diag *why)
{
	ssize_t got = read(*(const int *)context, data, size);

	return got < 0 ? diag_errno(why, -errno, "cannot read") : got;
}

/* Put the plain bytes of the archive in its place. */
static int archive_spool(struct archive *archive, struct diag *why)
{
	struct reader source = {.read = stream_read, .context = &archive->fd};
	struct reader plain = READER_NONE;
	CLEAN(fd_closep) int spool = fd_temporary(why);
	int r;

	if (spool < 0)
		return spool;
	r = plain_reader(&source, ARCHIVE_PLAIN_SIZE_MAX, &plain, why);
	if (r < 0)
		return r;
	r = spool_fill(spool, &plain, why);
	reader_close(&plain);
	if (r < 0)
		return r;
	fd_close(archive->fd);
	archive->fd = fd_take(&spool);
	return 0;
}

static int archive_read(struct archive *archive, struct diag *why)
{
	struct oci_file file = {.fd = archive->fd};
	struct stat stat;
	int r;

	if (fstat(archive->fd, &stat) < 0)
		return diag_errno(why, -errno, "cannot stat it");
	file.size = (uint64_t)stat.st_size;
	if (S_ISDIR(stat.st_mode))
		return diag_set(why, -EISDIR, "it is a directory");
	if (!S_ISREG(stat.st_mode) || oci_file_is_compressed(&file)) {
		r = archive_spool(archive, why);
		if (r == 0 && fstat(archive->fd, &stat) < 0)
			r = diag_errno(why, -errno, "cannot stat a temporary file");
		if (r < 0)
			return r;
	}
	return tar_index_read(archive->fd, (uint64_t)stat.st_size, &archive->index, why);
}

int oci_archive_open(const char *path, struct oci_files **ret, struct diag *why)
{
	struct archive *archive = calloc(1, sizeof(*archive));
	CLEAN(oci_files_closep) struct oci_files *files = (struct oci_files *)archive;
	int r;

	if (!archive)
		return -ENOMEM;
	archive->base = (struct oci_files_base){archive_find, archive_close};
	archive->fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (archive->fd < 0)
		return diag_errno(why, -errno, "cannot open archive '%.300s'", path);
	r = archive_read(archive, why);
	if (r < 0)
		return diag_wrap(why, r, "archive '%.300s'", path);
	*ret = TAKE(files);
	return 0;
}
