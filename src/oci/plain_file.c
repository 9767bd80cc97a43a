/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/plain_file.h"

#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/pieces.h"
#include "base/reader.h"
#include "oci/files.h"
#include "oci/inflate.h"

#define BUFFER_SIZE ((size_t)128 * 1024)

bool oci_file_is_compressed(const struct oci_file *file)
{
	uint8_t head[INFLATE_MAGIC_SIZE];

	return file->size >= sizeof(head) &&
	       fd_pread(file->fd, head, sizeof(head), file->offset) == (ssize_t)sizeof(head) &&
	       inflate_knows(span_of(head, sizeof(head)));
}

/* Where each stage is found by the next. */
struct plain {
	struct reader source; /* owned */
	struct reader_pieces pieces;
	struct pieces as_pieces;
	struct reader inflated; /* owned */
	uint8_t buffer[BUFFER_SIZE];
};

static ssize_t plain_read(void *context, void *data, size_t size, struct diag *why)
{
	return reader_read(&((struct plain *)context)->inflated, data, size, why);
}

static void plain_close(void *context)
{
	struct plain *plain = context;

	reader_close(&plain->inflated);
	reader_close(&plain->source);
	free(plain);
}

int plain_reader(struct reader *source, uint64_t limit_bytes, struct reader *ret, struct diag *why)
{
	struct plain *plain = calloc(1, sizeof(*plain));
	int r;

	(void)why;
	if (!plain) {
		reader_close(source);
		return -ENOMEM;
	}
	plain->source = *source;
	*source = READER_NONE;
	plain->pieces = (struct reader_pieces){&plain->source, plain->buffer, BUFFER_SIZE};
	plain->as_pieces = pieces_of_reader(&plain->pieces);
	r = inflate_open(&plain->as_pieces, limit_bytes, &plain->inflated);
	if (r < 0) {
		plain_close(plain);
		return r;
	}
	*ret = (struct reader){plain_read, plain_close, plain};
	return 0;
}

int oci_file_plain_reader(struct oci_file *file, uint64_t limit_bytes, struct reader *ret,
			  struct diag *why)
{
	struct reader source = READER_NONE;
	int r;

	r = oci_file_reader(file, 0, &source, why);
	if (r < 0)
		return r;
	return plain_reader(&source, limit_bytes, ret, why);
}

int reader_skip(struct reader *reader, uint64_t size, struct diag *why)
{
	uint8_t *buffer;
	ssize_t got = 1;

	if (size == 0)
		return 0;
	buffer = malloc(BUFFER_SIZE);
	if (!buffer)
		got = -ENOMEM;
	while (size && got > 0) {
		got = reader_read(reader, buffer, size < BUFFER_SIZE ? (size_t)size : BUFFER_SIZE,
				  why);
		size -= got > 0 ? (uint64_t)got : 0;
	}
	free(buffer);
	if (got < 0)
		reader_close(reader);
	return got < 0 ? (int)got : 0;
}
