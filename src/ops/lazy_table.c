/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/lazy_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/ckd.h"
#include "base/diag.h"
#include "base/digest_set.h"
#include "base/le.h"

#define SHA256_SIZE 32

struct table_head_disk {
	uint8_t magic[16];
	le64 content_count;
	le64 chunk_count;
};
_Static_assert(sizeof(struct table_head_disk) == 32, "as the header file says");

struct table_contents_disk {
	uint8_t digest[SHA256_SIZE];
	le64 size;
	le64 chunk_first;
	le32 chunk_count;
	le32 layer;
};
_Static_assert(sizeof(struct table_contents_disk) == 56, "as the header file says");

struct table_chunk_disk {
	le64 offset;
	le64 end;
	le64 skip;
	le64 size;
	uint8_t digest[SHA256_SIZE];
	le32 flags;
	le32 unused;
};
_Static_assert(sizeof(struct table_chunk_disk) == 72, "as the header file says");

#define CHUNK_ZEROS 1u
#define CHUNK_HAS_DIGEST 2u

static const uint8_t magic[16] = "lamina-lazy-1";

/* Making */

void lazy_table_maker_release(struct lazy_table_maker *maker)
{
	buf_release(&maker->contents);
	buf_release(&maker->chunks);
}

static int chunk_add(struct lazy_table_maker *maker, const struct toc_chunk *chunk)
{
	bool has_digest = chunk->digest.algorithm != DIGEST_NONE;
	struct table_chunk_disk disk = {
		.offset = le64_of(chunk->offset),
		.end = le64_of(chunk->end),
		.skip = le64_of(chunk->skip),
		.size = le64_of(chunk->size),
		.flags = le32_of((chunk->is_zeros ? CHUNK_ZEROS : 0) |
				 (has_digest ? CHUNK_HAS_DIGEST : 0)),
	};

	memcpy(disk.digest, chunk->digest.bytes, SHA256_SIZE);
	return buf_append(&maker->chunks, &disk, sizeof(disk));
}

int lazy_table_add(struct lazy_table_maker *maker, const struct toc *toc, uint32_t layer,
		   const struct digest_set *wanted)
{
	int r = 0;

	for (size_t i = 0; i < toc->count && r == 0; i++) {
		const struct toc_entry *entry = &toc->entries[i];
		struct lazy_contents contents = {
			.digest = entry->content,
			.size = entry->meta.size,
			.chunk_first = maker->chunks.size / sizeof(struct table_chunk_disk),
			.chunk_count = (uint32_t)entry->chunk_count,
			.layer = layer,
		};

		if (entry->content.algorithm == DIGEST_NONE ||
		    !digest_set_has(wanted, &entry->content))
			continue;
		for (size_t j = 0; j < entry->chunk_count && r == 0; j++)
			r = chunk_add(maker, &toc->chunks[entry->chunk_first + j]);
		if (r == 0)
			r = buf_append(&maker->contents, &contents, sizeof(contents));
	}
	return r;
}

static int by_digest(const void *a, const void *b)
{
	const struct lazy_contents *first = a, *second = b;
	int r = memcmp(first->digest.bytes, second->digest.bytes, SHA256_SIZE);

	if (r)
		return r;
	return (first->chunk_first > second->chunk_first) -
	       (first->chunk_first < second->chunk_first);
}

static int contents_write(struct buf *ret, const struct lazy_contents *contents)
{
	struct table_contents_disk disk = {
		.size = le64_of(contents->size),
		.chunk_first = le64_of(contents->chunk_first),
		.chunk_count = le32_of(contents->chunk_count),
		.layer = le32_of(contents->layer),
	};

	memcpy(disk.digest, contents->digest.bytes, SHA256_SIZE);
	return buf_append(ret, &disk, sizeof(disk));
}

int lazy_table_make(struct lazy_table_maker *maker, struct buf *ret, uint64_t *ret_count,
		    uint64_t *ret_bytes)
{
	struct lazy_contents *all = (struct lazy_contents *)(void *)maker->contents.data;
	size_t count = maker->contents.size / sizeof(*all), start = ret->size;
	struct table_head_disk head = {
		.chunk_count = le64_of(maker->chunks.size / sizeof(struct table_chunk_disk))};
	uint64_t written = 0, bytes = 0;
	int r = buf_append(ret, &head, sizeof(head));

	if (count)
		qsort(all, count, sizeof(*all), by_digest);
	for (size_t i = 0; i < count && r == 0; i++) {
		if (i && digest_equal(&all[i].digest, &all[i - 1].digest))
			continue;
		r = contents_write(ret, &all[i]);
		written++;
		bytes += all[i].size;
	}
	if (r == 0)
		r = buf_append_span(ret, buf_span(&maker->chunks));
	if (r < 0)
		return r;
	memcpy(head.magic, magic, sizeof(magic));
	head.content_count = le64_of(written);
	memcpy(ret->data + start, &head, sizeof(head));
	*ret_count = written;
	*ret_bytes = bytes;
	return 0;
}

/* Reading */

int lazy_table_open(struct span bytes, struct lazy_table *ret, struct diag *why)
{
	const struct table_head_disk *head = span_at(bytes, 0, struct table_head_disk);
	uint64_t contents_size, chunks_size;
	struct lazy_table table;

	if (!head || memcmp(head->magic, magic, sizeof(magic)) != 0)
		return diag_set(why, -EUCLEAN, "it is no table of contents");
	table.count = le64_get(head->content_count);
	if (ckd_mul(&contents_size, table.count, sizeof(struct table_contents_disk)) ||
	    ckd_mul(&chunks_size, le64_get(head->chunk_count), sizeof(struct table_chunk_disk)) ||
	    !span_cut(bytes, sizeof(*head), contents_size, &table.contents) ||
	    !span_from(bytes, sizeof(*head) + contents_size, &table.chunks) ||
	    table.chunks.size != chunks_size)
		return diag_set(why, -EUCLEAN,
				"the table of contents has another size than it says");
	*ret = table;
	return 0;
}

int lazy_table_at(const struct lazy_table *table, uint64_t index, struct lazy_contents *ret)
{
	const struct table_contents_disk *disk =
		span_at(table->contents, index * sizeof(*disk), struct table_contents_disk);
	struct lazy_contents contents;
	uint64_t chunk_count = table->chunks.size / sizeof(struct table_chunk_disk);

	if (!disk)
		return -EUCLEAN;
	contents = (struct lazy_contents){
		.digest = digest_of(DIGEST_SHA256, disk->digest),
		.size = le64_get(disk->size),
		.chunk_first = le64_get(disk->chunk_first),
		.chunk_count = le32_get(disk->chunk_count),
		.layer = le32_get(disk->layer),
	};
	if (contents.chunk_first > chunk_count ||
	    contents.chunk_count > chunk_count - contents.chunk_first)
		return -EUCLEAN;
	*ret = contents;
	return 0;
}

int lazy_table_find(const struct lazy_table *table, const struct digest *digest,
		    struct lazy_contents *ret)
{
	uint64_t low = 0, high = table->count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		const uint8_t *found = span_bytes_at(
			table->contents, middle * sizeof(struct table_contents_disk), SHA256_SIZE);
		int order = found ? memcmp(found, digest->bytes, SHA256_SIZE) : 1;

		if (order == 0)
			return lazy_table_at(table, middle, ret);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -ENOENT;
}

struct toc_chunk lazy_table_chunk(const struct lazy_table *table,
				  const struct lazy_contents *contents, uint32_t index)
{
	const struct table_chunk_disk *disk =
		span_at(table->chunks, (contents->chunk_first + index) * sizeof(*disk),
			struct table_chunk_disk);
	struct toc_chunk chunk = {0};
	uint32_t flags;

	if (!disk) /* lazy_table_at() has looked */
		return chunk;
	flags = le32_get(disk->flags);
	chunk = (struct toc_chunk){
		.offset = le64_get(disk->offset),
		.end = le64_get(disk->end),
		.skip = le64_get(disk->skip),
		.size = le64_get(disk->size),
		.is_zeros = flags & CHUNK_ZEROS,
	};
	if (flags & CHUNK_HAS_DIGEST)
		chunk.digest = digest_of(DIGEST_SHA256, disk->digest);
	return chunk;
}
