/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "store/spool_private.h"

#define READ_SIZE ((size_t)256 * 1024)

static int spill(struct spool *spool, struct span bytes, struct diag *why)
{
	int r;

	if (spool->draft.fd < 0) {
		r = draft_open(spool->dir_fd, &spool->draft, why);
		if (r < 0)
			return r;
	}
	r = fd_write(spool->draft.fd, bytes.data, bytes.size);
	return r < 0 ? diag_errno(why, r, "cannot write a temporary file") : 0;
}

int spool_append(struct spool *spool, struct span bytes, struct diag *why)
{
	int r;

	if (bytes.size > SPOOL_MEMORY_SIZE - spool->memory.size) {
		r = spill(spool, buf_span(&spool->memory), why);
		if (r < 0)
			return r;
		spool->memory.size = 0;
	}
	r = bytes.size > SPOOL_MEMORY_SIZE ? spill(spool, bytes, why)
					   : buf_append_span(&spool->memory, bytes);
	if (r == 0)
		spool->size += bytes.size;
	return r;
}

int spool_each(const struct spool *spool, spool_take *take, void *context, struct diag *why)
{
	CLEAN(memory_freep) uint8_t *buffer = NULL;
	uint64_t left = spool->size - spool->memory.size, done = 0;
	int r;

	if (left) {
		buffer = malloc(READ_SIZE);
		if (!buffer)
			return -ENOMEM;
	}
	while (done < left) {
		size_t want = left - done < READ_SIZE ? (size_t)(left - done) : READ_SIZE;
		ssize_t got = fd_pread(spool->draft.fd, buffer, want, done);

		if (got < 0 || (size_t)got != want)
			return diag_errno(why, got < 0 ? (int)got : -EIO,
					  "cannot read a temporary file");
		r = take(context, span_of(buffer, want), why);
		if (r)
			return r;
		done += want;
	}
	return spool->memory.size ? take(context, buf_span(&spool->memory), why) : 0;
}

void spool_reset(struct spool *spool)
{
	draft_release(&spool->draft);
	spool->memory.size = 0;
	spool->size = 0;
}

void spool_release(struct spool *spool)
{
	draft_release(&spool->draft);
	buf_release(&spool->memory);
	spool->size = 0;
}
