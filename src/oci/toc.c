/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/toc.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/json.h"
#include "oci/toc_private.h"
#include "tree/tree.h"

void toc_free(struct toc *toc)
{
	if (!toc)
		return;
	free(toc->entries);
	free(toc->chunks);
	oci_json_releasep(&toc->document);
	arena_release(&toc->arena);
	free(toc);
}

void toc_freep(struct toc **toc)
{
	toc_free(*toc);
	*toc = NULL;
}

/* While a table is read. */
struct reading {
	struct toc *toc;
	enum toc_format format;
	uint64_t data_end;
	struct toc_entry *file; /* whose parts are being listed; NULL: none */
	uint64_t covered;       /* bytes of it that have a part */
	uint64_t skipped;       /* bytes that are inflated for nothing before its parts */
	uint64_t file_end;      /* where its last part ends in the blob; 0: nothing says */
};

/*
 * The parts of a file are complete: they are the file, and have ends where the table says where the
 * file's is. In eStargz, and in what its tools make with zstd, nothing but the next part, of
 * whatever file, says where one ends: ends_find() looks for that.
 */
static int file_finish(struct reading *reading, struct diag *why)
{
	struct toc_entry *file = reading->file;
	struct toc_chunk *chunks;

	reading->file = NULL;
	if (!file)
		return 0;
	if (reading->covered != file->meta.size)
		return diag_set(why, -EUCLEAN, "parts of %llu bytes for a file of %llu",
				(unsigned long long)reading->covered,
				(unsigned long long)file->meta.size);
	chunks = reading->toc->chunks + file->chunk_first;
	if (file->content.algorithm == DIGEST_NONE && file->chunk_count == 1)
		file->content = chunks[0].digest;
	if (file->content.algorithm == DIGEST_NONE)
		return diag_set(why, -EOPNOTSUPP, "a file without a digest");
	if (reading->file_end == 0)
		return 0;
	for (size_t i = 0; i < file->chunk_count; i++) {
		chunks[i].end =
			i + 1 < file->chunk_count ? chunks[i + 1].offset : reading->file_end;
		if (chunks[i].end > reading->data_end || chunks[i].offset >= chunks[i].end)
			return diag_set(why, -EUCLEAN, "a part that is not in the blob");
	}
	return 0;
}

static int zeros_take(const json_t *item, bool *ret, struct diag *why)
{
	const char *type;
	int r = oci_json_text(item, "chunkType", &type, why);

	if (r < 0)
		return r;
	*ret = type && strcmp(type, "zeros") == 0;
	if (type && type[0] && !*ret)
		return diag_set(why, -EOPNOTSUPP, "a part of type '%.20s'", type);
	return 0;
}

/* A part of the file that is open, as item says. */
static int chunk_add(struct reading *reading, const json_t *item, struct diag *why)
{
	struct toc_entry *file = reading->file;
	struct toc_chunk *chunk = &reading->toc->chunks[reading->toc->chunk_count];
	uint64_t at, left = file->meta.size - reading->covered;
	int r;

	*chunk = (struct toc_chunk){0};
	r = toc_number(item, "offset", INT64_MAX, &chunk->offset, why);
	if (r == 0)
		r = toc_number(item, "innerOffset", TOC_SKIP_MAX, &chunk->skip, why);
	if (r == 0)
		r = toc_number(item, "chunkOffset", INT64_MAX, &at, why);
	if (r == 0)
		r = toc_number(item, "chunkSize", INT64_MAX, &chunk->size, why);
	if (r == 0)
		r = toc_digest(item, "chunkDigest", &chunk->digest, why);
	if (r == 0)
		r = zeros_take(item, &chunk->is_zeros, why);
	if (r < 0)
		return r;
	if (chunk->size == 0)
		chunk->size = left;
	if (at != reading->covered || chunk->size > left || chunk->size == 0)
		return diag_set(why, -EUCLEAN, "a part that is not the next one of the file");
	if (chunk->offset >= reading->data_end)
		return diag_set(why, -EUCLEAN, "a part that is not in the blob");
	reading->skipped += chunk->skip;
	if (reading->skipped > TOC_SKIP_MAX)
		return diag_set(why, -E2BIG, "a file behind too much else in its members");
	reading->covered += chunk->size;
	reading->toc->chunk_count++;
	file->chunk_count++;
	return 0;
}

static int file_begin(struct reading *reading, const json_t *item, struct toc_entry *entry,
		      struct diag *why)
{
	int r = toc_digest(item, "digest", &entry->content, why);

	if (r < 0 || entry->meta.size == 0) {
		entry->content = (struct digest){0};
		return r;
	}
	reading->file = entry;
	reading->covered = 0;
	reading->skipped = 0;
	reading->file_end = 0;
	entry->chunk_first = reading->toc->chunk_count;
	if (reading->format == TOC_ZSTD_CHUNKED)
		r = toc_number(item, "endOffset", INT64_MAX, &reading->file_end, why);
	return r < 0 ? r : chunk_add(reading, item, why);
}

static bool is_chunk(const json_t *item)
{
	const char *type = json_string_value(json_object_get(item, "type"));

	return type && strcmp(type, "chunk") == 0;
}

static int further_chunk(struct reading *reading, const json_t *item, struct diag *why)
{
	const char *name = json_string_value(json_object_get(item, "name"));

	if (!reading->file || !name || !span_equal(span_of_string(name), reading->file->meta.name))
		return diag_set(why, -EUCLEAN, "a part of no file");
	return chunk_add(reading, item, why);
}

static int item_take(struct reading *reading, const json_t *item, struct diag *why)
{
	struct toc_entry *entry;
	int r;

	if (!json_is_object(item))
		return diag_set(why, -EUCLEAN, "it is no object");
	if (is_chunk(item))
		return further_chunk(reading, item, why);
	r = file_finish(reading, why);
	if (r < 0)
		return r;
	entry = &reading->toc->entries[reading->toc->count];
	*entry = (struct toc_entry){0};
	r = toc_meta(item, &reading->toc->arena, &entry->meta, why);
	if (r == 0 && entry->meta.type == TAR_REGULAR)
		r = file_begin(reading, item, entry, why);
	if (r == 0)
		reading->toc->count++;
	return r;
}

static int items_take(struct reading *reading, const json_t *items, struct diag *why)
{
	int r = 0;

	for (size_t i = 0; i < json_array_size(items); i++) {
		r = item_take(reading, json_array_get(items, i), why);
		if (r < 0)
			return diag_wrap(why, r, "entry %zu", i);
	}
	return file_finish(reading, why);
}

static int by_number(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

/* The smallest of the sorted numbers that is larger than value; end if there is none. */
static uint64_t next_number(const uint64_t *numbers, size_t count, uint64_t value, uint64_t end)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (numbers[middle] > value)
			high = middle;
		else
			low = middle + 1;
	}
	return low < count ? numbers[low] : end;
}

/* A part without an end of its own ends where the next one of the blob begins. */
static int ends_find(struct toc *toc, uint64_t data_end)
{
	CLEAN(memory_freep) uint64_t *offsets = calloc(toc->chunk_count + 1, sizeof(*offsets));

	if (!offsets)
		return -ENOMEM;
	for (size_t i = 0; i < toc->chunk_count; i++)
		offsets[i] = toc->chunks[i].offset;
	if (toc->chunk_count)
		qsort(offsets, toc->chunk_count, sizeof(*offsets), by_number);
	for (size_t i = 0; i < toc->chunk_count; i++) {
		struct toc_chunk *chunk = &toc->chunks[i];

		if (chunk->end == 0)
			chunk->end =
				next_number(offsets, toc->chunk_count, chunk->offset, data_end);
	}
	return 0;
}

static int version_check(const json_t *document, struct diag *why)
{
	uint64_t version;
	int r = toc_number(document, "version", INT64_MAX, &version, why);

	if (r == 0 && version != 1)
		return diag_set(why, -EOPNOTSUPP, "a table of version %llu",
				(unsigned long long)version);
	return r;
}

int toc_parse(struct span raw, enum toc_format format, uint64_t data_end, struct toc **ret,
	      struct diag *why)
{
	CLEAN(toc_freep) struct toc *toc = calloc(1, sizeof(*toc));
	struct reading reading = {.toc = toc, .format = format, .data_end = data_end};
	const json_t *items;
	size_t count;
	int r;

	if (!toc)
		return -ENOMEM;
	r = oci_json_toc_load(raw, &toc->document, why);
	if (r == 0)
		r = version_check(toc->document, why);
	if (r == 0)
		r = oci_json_array(toc->document, "entries", &items, why);
	if (r < 0)
		return r;
	/* Each is one or the other; and one may be added. */
	count = json_array_size(items) + 1;
	toc->entries = calloc(count, sizeof(*toc->entries));
	toc->chunks = calloc(count, sizeof(*toc->chunks));
	if (!toc->entries || !toc->chunks)
		return -ENOMEM;
	r = items_take(&reading, items, why);
	if (r == 0)
		r = ends_find(toc, data_end);
	if (r == 0)
		*ret = TAKE(toc);
	return r;
}

int toc_add_file(struct toc *toc, const struct tar_entry *entry, const struct toc_chunk *chunk)
{
	struct toc_entry *entries = reallocarray(toc->entries, toc->count + 1, sizeof(*entries));
	struct toc_chunk *chunks;
	char *name;

	if (!entries)
		return -ENOMEM;
	toc->entries = entries;
	chunks = reallocarray(toc->chunks, toc->chunk_count + 1, sizeof(*chunks));
	if (!chunks)
		return -ENOMEM;
	toc->chunks = chunks;
	name = arena_copy(&toc->arena, entry->name);
	if (!name)
		return -ENOMEM;
	entries[toc->count] = (struct toc_entry){.meta = *entry,
						 .content = chunk->digest,
						 .chunk_first = toc->chunk_count,
						 .chunk_count = 1};
	entries[toc->count].meta.name = span_of(name, entry->name.size);
	entries[toc->count].meta.target = SPAN_EMPTY;
	entries[toc->count].meta.xattrs = NULL;
	entries[toc->count].meta.xattr_count = 0;
	toc->count++;
	chunks[toc->chunk_count++] = *chunk;
	return 0;
}
