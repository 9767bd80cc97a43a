/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A splitstream, SHA-256 or SHA-512 by its first byte that says so. What is accepted must keep the
 * promises of store/splitstream.h.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "store/splitstream.h"

/* A short file may hold a frame of many zeros, which show nothing new. */
#define READ_MAX ((uint64_t)16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fd_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || fd_write(fd, data, size) < 0)
		abort();
	return fd;
}

static void check_references(const struct splitstream *stream)
{
	struct span before = SPAN_EMPTY;

	for (size_t i = 0; i < splitstream_reference_count(stream); i++) {
		struct span name;
		struct digest id = splitstream_reference(stream, i, &name), found;

		if (i > 0 && span_compare(before, name) >= 0)
			abort();
		if (splitstream_reference_find(stream, name, &found) < 0 ||
		    !digest_equal(&id, &found))
			abort();
		before = name;
	}
	for (size_t i = 0; i < splitstream_object_count(stream); i++) {
		if (splitstream_object(stream, i).algorithm == DIGEST_NONE)
			abort();
	}
}

static void check_chunks(struct splitstream *stream)
{
	struct splitstream_chunk chunk;
	struct diag why = {0};
	uint64_t total = 0;
	uint8_t sum = 0;
	int r;

	while ((r = splitstream_next(stream, &chunk, &why)) > 0 && total < READ_MAX) {
		if (chunk.is_external)
			continue;
		if (chunk.bytes.size == 0 || chunk.bytes.size > SPLITSTREAM_PIECE_SIZE)
			abort();
		for (size_t i = 0; i < chunk.bytes.size; i += 4096)
			sum ^= chunk.bytes.data[i];
		total += chunk.bytes.size;
	}
	if ((r < 0 && !why.text[0]) || total > splitstream_size(stream))
		abort();
	if (sum == 1 && total == 0)
		abort(); /* so that the sum is wanted */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum digest_algorithm algorithm =
		size > 14 && data[14] == DIGEST_SHA512 ? DIGEST_SHA512 : DIGEST_SHA256;
	struct splitstream *stream = NULL;
	struct diag why = {0};

	if (splitstream_open_fd(fd_of(data, size), algorithm, STREAM_TYPE_ANY, &stream, &why) < 0) {
		if (!why.text[0] || stream)
			abort();
		return 0;
	}
	check_references(stream);
	check_chunks(stream);
	splitstream_close(stream);
	return 0;
}
