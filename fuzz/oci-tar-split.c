/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * What another engine kept of an archive. However the lines come and however much is asked for at a
 * time, the same archive and the same verdict must come out.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/reader.h"
#include "oci/files.h"
#include "oci/tar_split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARCHIVE_SIZE_MAX ((size_t)1024 * 1024) /* a line of few bytes may name many */
#define CONTENT_SIZE 1000

struct cut {
	struct span rest;
	size_t piece_size;
};

static ssize_t cut_read(void *context, void *data, size_t size, struct diag *why)
{
	struct cut *cut = context;

	(void)why;
	if (size > cut->piece_size)
		size = cut->piece_size;
	if (size > cut->rest.size)
		size = cut->rest.size;
	if (size)
		memcpy(data, cut->rest.data, size);
	(void)span_from(cut->rest, size, &cut->rest);
	return (ssize_t)size;
}

/* One content for all, the same every time; none for names that begin with 'n'. */
static int one_open(void *context, const char *name, struct oci_file *ret, struct diag *why)
{
	static int contents = -1;

	(void)context;
	(void)why;
	if (name[0] == 'n')
		return -ENOENT;
	if (contents < 0) {
		contents = memfd_create("contents", MFD_CLOEXEC);
		if (contents < 0 || ftruncate(contents, CONTENT_SIZE) < 0)
			abort();
	}
	*ret = (struct oci_file){.fd = fcntl(contents, F_DUPFD_CLOEXEC, 0), .size = CONTENT_SIZE};
	return ret->fd < 0 ? -errno : 0;
}

static ssize_t all(struct span text, size_t piece_size, size_t read_size, struct buf *ret)
{
	struct cut cut = {text, piece_size};
	struct reader lines = {cut_read, NULL, &cut}, archive = READER_NONE;
	const struct tar_split_files files = {one_open, NULL, NULL};
	uint8_t *room = malloc(read_size); /* of the exact size, for sanitizers */
	struct diag why = {0};
	ssize_t got = -ENOMEM;

	if (room && tar_split_reader(&lines, &files, &archive, &why) == 0) {
		while ((got = reader_read(&archive, room, read_size, &why)) > 0 &&
		       ret->size < ARCHIVE_SIZE_MAX)
			assert((size_t)got <= read_size && buf_append(ret, room, (size_t)got) == 0);
		reader_close(&archive);
		assert(got >= 0 || got == -ENOMEM || why.text[0]);
	}
	free(room);
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(buf_release) struct buf whole = {0}, cut = {0};
	ssize_t one, other;

	if (size < 2)
		return 0;
	one = all(span_of(data + 2, size - 2), SIZE_MAX, 65536, &whole);
	other = all(span_of(data + 2, size - 2), 1 + data[0], 1 + data[1] * 16u, &cut);
	if (one <= 0 && other <= 0)
		assert(one == other && span_equal(buf_span(&whole), buf_span(&cut)));
	return 0;
}
