/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/blob_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/reader.h"
#include "oci/files.h"
#include "verity/sha.h"

#define BUFFER_SIZE ((size_t)256 * 1024)

void blob_file_release(struct blob_file *file)
{
	fd_close(file->fd);
	*file = BLOB_FILE_EMPTY;
}

static int fill(const struct reader *bytes, struct blob_file *file, struct diag *why)
{
	CLEAN(memory_freep) uint8_t *buffer = malloc(BUFFER_SIZE);
	CLEAN(sha_freep) struct sha *sha = NULL;
	ssize_t got;
	int r;

	if (!buffer)
		return -ENOMEM;
	r = sha_new(DIGEST_SHA256, &sha, why);
	if (r < 0)
		return r;
	while ((got = reader_read(bytes, buffer, BUFFER_SIZE, why)) > 0) {
		r = sha_update(sha, span_of(buffer, (size_t)got));
		if (r < 0)
			return diag_set(why, r, "libcrypto failed to hash");
		r = fd_write(file->fd, buffer, (size_t)got);
		if (r < 0)
			return diag_errno(why, r, "cannot write a temporary file");
		file->size += (uint64_t)got;
	}
	return got < 0 ? (int)got : sha_finish(sha, &file->digest);
}

int blob_file_fill(const struct reader *bytes, struct blob_file *ret, struct diag *why)
{
	CLEAN(blob_file_release) struct blob_file file = BLOB_FILE_EMPTY;
	int r;

	file.fd = fd_temporary(why);
	if (file.fd < 0)
		return file.fd;
	r = fill(bytes, &file, why);
	if (r < 0)
		return r;
	*ret = file;
	file = BLOB_FILE_EMPTY;
	return 0;
}

int blob_file_open(void *context, struct reader *ret, struct diag *why)
{
	const struct blob_file *kept = context;
	struct oci_file file = {
		.fd = fcntl(kept->fd, F_DUPFD_CLOEXEC, 3),
		.size = kept->size,
	};

	if (file.fd < 0)
		return diag_errno(why, -errno, "cannot open a temporary file again");
	return oci_file_reader(&file, 0, ret, why);
}

static ssize_t memory_read(void *context, void *data, size_t size, struct diag *why)
{
	struct blob_memory *memory = context;
	size_t part = size < memory->left.size ? size : memory->left.size;

	(void)why;
	if (part)
		memcpy(data, memory->left.data, part);
	(void)span_from(memory->left, part, &memory->left);
	return (ssize_t)part;
}

int blob_memory_open(void *context, struct reader *ret, struct diag *why)
{
	struct blob_memory *kept = context;

	(void)why;
	kept->left = kept->bytes;
	*ret = (struct reader){.read = memory_read, .context = kept};
	return 0;
}
