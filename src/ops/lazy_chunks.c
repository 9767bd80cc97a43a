/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/lazy_chunks.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/pieces.h"
#include "oci/inflate.h"
#include "oci/source.h"
#include "ops/lazy.h"
#include "ops/lazy_table.h"
#include "store/contents.h"
#include "verity/sha.h"

#define PIECE_SIZE ((size_t)64 * 1024)

struct taking {
	const struct lazy_image *image;
	const struct lazy_table *table;
	struct oci_source *source;
	const struct lazy_contents *contents;
	int fd;            /* borrowed; where they are written */
	struct sha *whole; /* owned */
	uint64_t offset;   /* of the next byte in the file */
	uint8_t *packed;   /* owned; PIECE_SIZE, as is the next */
	uint8_t *plain;
};

static void taking_release(struct taking *taking)
{
	sha_free(taking->whole);
	free(taking->packed);
	free(taking->plain);
}

/* So many bytes of an answer and no more. */
struct portion {
	const struct reader *reader;
	uint8_t *buffer;
	uint64_t left;
};

static int portion_next(void *context, struct span *ret, struct diag *why)
{
	struct portion *portion = context;
	size_t size = portion->left < PIECE_SIZE ? (size_t)portion->left : PIECE_SIZE;
	ssize_t got;

	if (size == 0)
		return 0;
	got = reader_read(portion->reader, portion->buffer, size, why);
	if (got <= 0)
		return (int)got;
	portion->left -= (uint64_t)got;
	*ret = span_of(portion->buffer, (size_t)got);
	return 1;
}

static int portion_pass(struct portion *portion, struct diag *why)
{
	struct span ignored;
	int r;

	do
		r = portion_next(portion, &ignored, why);
	while (r > 0);
	return r;
}

static int plain_put(struct taking *taking, struct sha *part, struct span bytes, struct diag *why)
{
	int r = fd_pwrite(taking->fd, bytes.data, bytes.size, taking->offset);

	if (r < 0)
		return diag_errno(why, r, "cannot write contents");
	taking->offset += bytes.size;
	r = sha_update(taking->whole, bytes);
	return r < 0 || !part ? r : sha_update(part, bytes);
}

/* The plain bytes of a chunk: skip of them for nobody, size of them to be kept. */
static int plain_take(struct taking *taking, const struct reader *plain,
		      const struct toc_chunk *chunk, struct sha *part, struct diag *why)
{
	uint64_t skip = chunk->skip, left = chunk->size;

	while (left) {
		uint64_t wanted = skip ? skip : left;
		size_t size = wanted < PIECE_SIZE ? (size_t)wanted : PIECE_SIZE;
		ssize_t got = reader_read(plain, taking->plain, size, why);
		int r;

		if (got < 0)
			return (int)got;
		if (got == 0)
			return diag_set(why, -EUCLEAN, "a part of the layer is too short");
		if (skip) {
			skip -= (uint64_t)got;
			continue;
		}
		r = plain_put(taking, part, span_of(taking->plain, (size_t)got), why);
		if (r < 0)
			return r;
		left -= (uint64_t)got;
	}
	return 0;
}

static int digest_check(struct sha *sha, const struct digest *expected, struct diag *why)
{
	struct digest found;
	int r = sha_finish(sha, &found);

	if (r == 0 && !digest_equal(&found, expected))
		return diag_set(why, -EBADMSG,
				"what the registry sent has not the digest that it should have");
	return r;
}

static int chunk_take(struct taking *taking, const struct reader *answer,
		      const struct toc_chunk *chunk, struct diag *why)
{
	CLEAN(sha_freep) struct sha *part = NULL;
	struct portion portion = {
		.reader = answer, .buffer = taking->packed, .left = chunk->end - chunk->offset};
	const struct pieces pieces = {.next = portion_next, .context = &portion};
	struct reader plain;
	int r = 0;

	if (chunk->digest.algorithm != DIGEST_NONE)
		r = sha_new(DIGEST_SHA256, &part, why);
	if (r == 0)
		r = inflate_open(&pieces, UINT64_MAX, &plain);
	if (r < 0)
		return r;
	r = plain_take(taking, &plain, chunk, part, why);
	reader_close(&plain);
	if (r == 0)
		r = portion_pass(&portion, why);
	return r < 0 || !part ? r : digest_check(part, &chunk->digest, why);
}

static int zeros_take(struct taking *taking, uint64_t size, struct diag *why)
{
	int r = 0;

	memset(taking->plain, 0, size < PIECE_SIZE ? (size_t)size : PIECE_SIZE);
	while (size && r == 0) {
		size_t part = size < PIECE_SIZE ? (size_t)size : PIECE_SIZE;

		/* The file has a hole there. */
		r = sha_update(taking->whole, span_of(taking->plain, part));
		taking->offset += part;
		size -= part;
	}
	return r < 0 ? diag_set(why, r, "cannot hash zeros") : 0;
}

static struct toc_chunk chunk_at(const struct taking *taking, uint32_t index)
{
	return lazy_table_chunk(taking->table, taking->contents, index);
}

/* Chunks from first on that lie one behind the other in the blob, by one request. */
static int run_take(struct taking *taking, uint32_t first, uint32_t *ret_end, struct diag *why)
{
	const struct lazy_layer *layer = &taking->image->state.layers[taking->contents->layer];
	struct toc_chunk chunk = chunk_at(taking, first), next;
	uint64_t start = chunk.offset;
	uint32_t end = first + 1;
	struct reader answer;
	int r;

	while (end < taking->contents->chunk_count) {
		next = chunk_at(taking, end);
		if (next.is_zeros || next.offset != chunk.end)
			break;
		chunk = next;
		end++;
	}
	r = oci_source_range(taking->source, &layer->blob, start, chunk.end - start, &answer, why);
	if (r < 0)
		return r;
	for (uint32_t i = first; i < end && r == 0; i++) {
		chunk = chunk_at(taking, i);
		r = chunk_take(taking, &answer, &chunk, why);
	}
	reader_close(&answer);
	*ret_end = end;
	return r;
}

static int chunks_take(struct taking *taking, struct diag *why)
{
	uint32_t i = 0;
	int r = 0;

	while (i < taking->contents->chunk_count && r == 0) {
		const struct toc_chunk chunk = chunk_at(taking, i);

		if (chunk.is_zeros) {
			r = zeros_take(taking, chunk.size, why);
			i++;
		} else {
			r = run_take(taking, i, &i, why);
		}
	}
	if (r == 0 && ftruncate(taking->fd, (off_t)taking->contents->size) < 0)
		r = diag_errno(why, -errno, "cannot write contents");
	return r < 0 ? r : digest_check(taking->whole, &taking->contents->digest, why);
}

int lazy_contents_take(const struct lazy_image *image, const struct lazy_table *table,
		       struct oci_source *source, const struct lazy_contents *contents,
		       struct diag *why)
{
	CLEAN(contents_draft_closep) struct contents_draft *draft = NULL;
	CLEAN(taking_release)
	struct taking taking = {
		.image = image,
		.table = table,
		.source = source,
		.contents = contents,
		.packed = malloc(PIECE_SIZE),
		.plain = malloc(PIECE_SIZE),
	};
	int r;

	if (!taking.packed || !taking.plain)
		return -ENOMEM;
	if (contents->layer >= image->state.layer_count)
		return diag_set(why, -EUCLEAN, "the table of contents names no layer");
	r = sha_new(DIGEST_SHA256, &taking.whole, why);
	if (r == 0)
		r = contents_draft_open(image->contents_fd, &draft, why);
	if (r < 0)
		return r;
	taking.fd = contents_draft_fd(draft);
	r = chunks_take(&taking, why);
	return r < 0 ? r : contents_draft_link(draft, &contents->digest, why);
}
