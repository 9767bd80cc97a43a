/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * An object that arrives in pieces. It stays in memory up to WHOLE_SIZE_MAX, so that a small one
 * that is there already costs no write; then it goes to a draft, a scratch full at a time, and past
 * the page cache (direct_private.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "store/store_private.h"
#include "store/transaction_private.h"
#include "verity/hasher.h"

/* Zeros that are worth a hole in a draft that is open anyhow: some system calls. */
#define HOLE_SIZE_MIN ((size_t)64 * 1024)

/* Owned by one thread. */
struct object_writer {
	struct transaction *transaction; /* borrowed */
	struct scratch *scratch;         /* taken from the transaction */
	struct draft draft;              /* open once the scratch was full */
	size_t filled;                   /* bytes of scratch that wait */
	uint64_t written;                /* where in the draft they go */
	bool is_direct;                  /* the draft has O_DIRECT */
	uint64_t size;                   /* all bytes so far */
	bool has_holes;                  /* the draft may have to be made longer in the end */
	int error;                       /* of a write that failed: the rest cannot be right */
};

int object_writer_new(struct transaction *transaction, struct object_writer **ret, struct diag *why)
{
	struct object_writer *writer = malloc(sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	*writer = (struct object_writer){.transaction = transaction, .draft = DRAFT_NONE};
	writer->scratch = scratch_take_hasher(transaction, why);
	if (!writer->scratch) {
		free(writer);
		return -ENOMEM;
	}
	*ret = writer;
	return 0;
}

static int put_scratch(struct object_writer *writer, struct diag *why)
{
	int r;

	if (writer->draft.fd < 0) {
		r = object_draft_open(writer->transaction, &writer->draft, why);
		if (r < 0)
			return r;
		writer->is_direct = direct_set(writer->draft.fd, true) == 0;
	}
	r = direct_write(writer->draft.fd, span_of(writer->scratch->bytes, writer->filled),
			 writer->written, &writer->is_direct);
	if (r < 0)
		return diag_errno(why, r, "cannot write an object");
	writer->written += writer->filled;
	writer->filled = 0;
	return 0;
}

static int write_bytes(struct object_writer *writer, struct span bytes, struct diag *why)
{
	int r;

	r = verity_update(writer->scratch->hasher, bytes);
	if (r < 0)
		return diag_set(why, r, "libcrypto cannot hash");
	writer->size += bytes.size;
	while (bytes.size) {
		size_t room = WHOLE_SIZE_MAX - writer->filled;
		size_t part = bytes.size < room ? bytes.size : room;

		if (room == 0) {
			r = put_scratch(writer, why);
			if (r < 0)
				return r;
			continue;
		}
		memcpy(writer->scratch->bytes + writer->filled, bytes.data, part);
		writer->filled += part;
		bytes = span_of(bytes.data + part, bytes.size - part);
	}
	return 0;
}

int object_writer_write(struct object_writer *writer, struct span bytes, struct diag *why)
{
	if (!writer->error)
		writer->error = write_bytes(writer, bytes, why);
	return writer->error;
}

/* Zeros behind all that was written so far, which is in the draft then. */
static int hole_make(struct object_writer *writer, uint64_t size_bytes, struct diag *why)
{
	int r = put_scratch(writer, why);

	writer->written += size_bytes;
	writer->has_holes = true;
	return r;
}

static int write_zeros(struct object_writer *writer, uint64_t size_bytes, struct diag *why)
{
	static const uint8_t zeros[64 * 1024];
	bool is_hole = size_bytes > (writer->draft.fd < 0 ? WHOLE_SIZE_MAX : HOLE_SIZE_MIN);
	int r = is_hole ? hole_make(writer, size_bytes, why) : 0;

	while (r == 0 && size_bytes) {
		size_t part = size_bytes < sizeof(zeros) ? (size_t)size_bytes : sizeof(zeros);
		struct span piece = span_of(zeros, part);

		size_bytes -= part;
		if (!is_hole) {
			r = write_bytes(writer, piece, why);
			continue;
		}
		writer->size += part;
		r = verity_update(writer->scratch->hasher, piece);
		if (r < 0)
			return diag_set(why, r, "libcrypto cannot hash");
	}
	return r;
}

int object_writer_zeros(struct object_writer *writer, uint64_t size_bytes, struct diag *why)
{
	if (!writer->error)
		writer->error = write_zeros(writer, size_bytes, why);
	return writer->error;
}

static int writer_finish(struct object_writer *writer, struct digest *digest, struct diag *why)
{
	struct span waiting = span_of(writer->scratch->bytes, writer->filled);
	int r;

	if (writer->error)
		return diag_set(why, writer->error, "an earlier write of this object failed");
	r = verity_finish(writer->scratch->hasher, digest);
	if (r < 0)
		return diag_set(why, r, "libcrypto cannot hash");
	if (writer->draft.fd < 0)
		return transaction_add(writer->transaction, digest, waiting, why);
	if (transaction_has(writer->transaction, digest, writer->size))
		return 0;
	r = put_scratch(writer, why);
	if (r == 0 && writer->is_direct)
		r = direct_set(writer->draft.fd, false);
	if (r == 0 && writer->has_holes && ftruncate(writer->draft.fd, (off_t)writer->size) < 0)
		r = diag_errno(why, -errno, "cannot write an object");
	if (r < 0)
		return r;
	return transaction_link(writer->transaction, &writer->draft, digest, writer->size, why);
}

int object_writer_finish(struct object_writer *writer, struct digest *ret, struct diag *why)
{
	struct digest digest;
	int r;

	r = writer_finish(writer, &digest, why);
	object_writer_abort(writer);
	if (r == 0)
		*ret = digest;
	return r;
}

void object_writer_abort(struct object_writer *writer)
{
	struct digest unused;

	if (!writer)
		return;
	(void)verity_finish(writer->scratch->hasher, &unused); /* empties it for its next object */
	scratch_give(writer->transaction, writer->scratch);
	draft_release(&writer->draft);
	free(writer);
}

void object_writer_abortp(struct object_writer **writer)
{
	object_writer_abort(*writer);
	*writer = NULL;
}
