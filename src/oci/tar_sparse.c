/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The maps of sparse files (GNU tar manual 1.35, "Storing Sparse Files"). Each says where in the
 * file the pieces go that the body has one after the other:
 *
 *   type 'S'   in the header of magic "ustar  ": four pairs of numbers at 386, at 482 whether
 * blocks with 21 more and the same byte at 504 follow, at 483 the size of the file pax 0.0 records
 * GNU.sparse.size and .numblocks, then .offset and .numbytes in turn pax 0.1    .size, .numblocks,
 * .name, and .map: all numbers with commas between pax 1.0    .major, .minor, .name, .realsize; the
 * map is decimal lines at the front of the body, the count of pairs first, filled to a whole block
 *
 * What Go's archive/tar refuses is refused: pieces that overlap, descend or lie outside of the
 * file, and a body that is not as long as all of them.
 */
#include "oci/tar_sparse.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/ckd.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/tar_private.h"

#define OLD_MAP_OFFSET 386
#define OLD_MAP_COUNT 4
#define OLD_REAL_SIZE_OFFSET 483
#define MORE_MAP_COUNT 21
#define PAIR_SIZE 24
/* Blocks that have nothing in them count, too. */
#define MORE_BLOCK_MAX (TAR_SPARSE_SEGMENT_MAX / MORE_MAP_COUNT)
#define NUMBER_DIGITS_MAX 20 /* of 2^64 */

static int senseless(struct diag *why)
{
	return diag_set(why, -EUCLEAN, "the map of a sparse file makes no sense");
}

static int too_many(struct diag *why)
{
	return diag_set(why, -E2BIG, "a sparse file of more than %d pieces",
			TAR_SPARSE_SEGMENT_MAX);
}

static size_t count_of(const struct buf *segments)
{
	return segments->size / sizeof(struct tar_segment);
}

static int segment_add(struct buf *segments, uint64_t offset, uint64_t size, struct diag *why)
{
	const struct tar_segment segment = {offset, size};

	if (count_of(segments) == TAR_SPARSE_SEGMENT_MAX)
		return too_many(why);
	return buf_append(segments, &segment, sizeof(segment));
}

static int block_next(struct tar_blocks *blocks, const uint8_t **ret, struct diag *why)
{
	if (blocks->bytes_left < TAR_BLOCK_SIZE)
		return diag_set(why, -EUCLEAN, "the map of a sparse file does not end");
	blocks->bytes_left -= TAR_BLOCK_SIZE;
	return blocks->next(blocks->context, ret, why);
}

/* Type 'S' */

/* Pairs of a header, or of a block behind it, up to the first that is not there. */
static int pairs_read(const uint8_t *pairs, size_t max, struct buf *segments, struct diag *why)
{
	for (size_t i = 0; i < max && pairs[i * PAIR_SIZE]; i++) {
		struct span raw = span_of(pairs + i * PAIR_SIZE, PAIR_SIZE), offset, size;
		int64_t numbers[2];
		int r;

		if (!span_cut(raw, 0, PAIR_SIZE / 2, &offset) ||
		    !span_from(raw, PAIR_SIZE / 2, &size) || !tar_number(offset, &numbers[0]) ||
		    !tar_number(size, &numbers[1]) || numbers[0] < 0 || numbers[1] < 0)
			return senseless(why);
		r = segment_add(segments, (uint64_t)numbers[0], (uint64_t)numbers[1], why);
		if (r < 0)
			return r;
	}
	return 0;
}

static int old_read(const uint8_t *header, struct tar_blocks *blocks, struct buf *segments,
		    uint64_t *ret_size, struct diag *why)
{
	const uint8_t *block = header;
	bool is_extended = header[OLD_MAP_OFFSET + OLD_MAP_COUNT * PAIR_SIZE];
	int64_t size;
	int r;

	if (!tar_number(span_of(header + OLD_REAL_SIZE_OFFSET, 12), &size) || size < 0)
		return senseless(why);
	*ret_size = (uint64_t)size; /* the header goes with the first of the blocks */
	r = pairs_read(header + OLD_MAP_OFFSET, OLD_MAP_COUNT, segments, why);
	for (size_t count = 0; r == 0 && is_extended; count++) {
		if (count == MORE_BLOCK_MAX)
			return too_many(why);
		r = block_next(blocks, &block, why);
		if (r == 0)
			r = pairs_read(block, MORE_MAP_COUNT, segments, why);
		is_extended = r == 0 && block[MORE_MAP_COUNT * PAIR_SIZE];
	}
	return r;
}

/* Records of pax */

static int number_set(struct span value, bool *has, uint64_t *number, struct diag *why)
{
	uint64_t read;

	/* .size and .realsize are one thing with two names: they may not differ. */
	if (!tar_decimal(value, INT64_MAX, &read) || (*has && *number != read))
		return senseless(why);
	*has = true;
	*number = read;
	return 0;
}

/* One of a list in which offsets and sizes take turns. */
static int pair_part(struct tar_sparse *sparse, struct span value, bool is_size,
		     struct buf *segments, struct diag *why)
{
	uint64_t number;

	if (is_size != sparse->has_offset || !tar_decimal(value, INT64_MAX, &number))
		return senseless(why);
	sparse->has_offset = !is_size;
	if (is_size)
		return segment_add(segments, sparse->offset, number, why);
	sparse->offset = number;
	return 0;
}

static int list_read(struct tar_sparse *sparse, struct span list, struct buf *segments,
		     struct diag *why)
{
	for (bool is_size = false;; is_size = !is_size) {
		const uint8_t *comma = list.size ? memchr(list.data, ',', list.size) : NULL;
		size_t size = comma ? (size_t)(comma - list.data) : list.size;
		int r = pair_part(sparse, span_of(list.data, size), is_size, segments, why);

		if (r < 0 || !comma)
			return r;
		list = span_of(comma + 1, list.size - size - 1);
	}
}

int tar_sparse_record(struct span key, struct span value, struct tar_sparse *sparse,
		      struct buf *segments, struct diag *why)
{
	sparse->is_there = true;
	if (span_equal(key, SPAN_LITERAL("major")))
		return number_set(value, &sparse->has_major, &sparse->major, why);
	if (span_equal(key, SPAN_LITERAL("minor")))
		return number_set(value, &sparse->has_minor, &sparse->minor, why);
	if (span_equal(key, SPAN_LITERAL("size")) || span_equal(key, SPAN_LITERAL("realsize")))
		return number_set(value, &sparse->has_size, &sparse->size, why);
	if (span_equal(key, SPAN_LITERAL("numblocks")))
		return number_set(value, &sparse->has_count, &sparse->count, why);
	if (span_equal(key, SPAN_LITERAL("offset")))
		return pair_part(sparse, value, false, segments, why);
	if (span_equal(key, SPAN_LITERAL("numbytes")))
		return pair_part(sparse, value, true, segments, why);
	if (span_equal(key, SPAN_LITERAL("map")))
		return list_read(sparse, value, segments, why);
	if (span_equal(key, SPAN_LITERAL("name"))) {
		sparse->name = value;
		return value.size && !memchr(value.data, '\0', value.size) ? 0 : senseless(why);
	}
	return diag_set(why, -EOPNOTSUPP, "an unknown kind of sparse file");
}

/* The map at the front of a body */

struct lines {
	struct tar_blocks *blocks;
	const uint8_t *block; /* NULL: none yet */
	size_t at;
};

static int line_read(struct lines *lines, uint64_t *ret, struct diag *why)
{
	char digits[NUMBER_DIGITS_MAX];
	size_t count = 0;

	while (true) {
		uint8_t byte;

		if (!lines->block || lines->at == TAR_BLOCK_SIZE) {
			int r = block_next(lines->blocks, &lines->block, why);

			if (r < 0)
				return r;
			lines->at = 0;
		}
		byte = lines->block[lines->at++];
		if (byte == '\n')
			break;
		if (count == NUMBER_DIGITS_MAX)
			return senseless(why);
		digits[count++] = (char)byte;
	}
	return tar_decimal(span_of(digits, count), INT64_MAX, ret) ? 0 : senseless(why);
}

static int lines_read(struct tar_blocks *blocks, struct buf *segments, struct diag *why)
{
	struct lines lines = {.blocks = blocks};
	uint64_t count;
	int r = line_read(&lines, &count, why);

	if (r == 0 && count > TAR_SPARSE_SEGMENT_MAX)
		return too_many(why);
	for (; r == 0 && count > 0; count--) {
		uint64_t offset, size;

		r = line_read(&lines, &offset, why);
		if (r == 0)
			r = line_read(&lines, &size, why);
		if (r == 0)
			r = segment_add(segments, offset, size, why);
	}
	return r;
}

static int pax_read(const struct tar_sparse *sparse, struct tar_blocks *blocks,
		    struct buf *segments, uint64_t *ret_size, struct diag *why)
{
	bool is_version_1 = sparse->has_major && sparse->major == 1;

	if (sparse->has_major != sparse->has_minor || !sparse->has_size || sparse->has_offset)
		return senseless(why);
	if (sparse->has_major &&
	    (is_version_1 ? sparse->minor > 0 : sparse->major > 0 || sparse->minor > 1))
		return diag_set(why, -EOPNOTSUPP, "an unknown kind of sparse file");
	*ret_size = sparse->size;
	if (is_version_1)
		return count_of(segments) ? senseless(why) : lines_read(blocks, segments, why);
	return sparse->has_count && sparse->count == count_of(segments) ? 0 : senseless(why);
}

static int map_check(const struct buf *segments, uint64_t size_bytes, uint64_t stored_bytes,
		     struct diag *why)
{
	const struct tar_segment *segment = (const struct tar_segment *)(void *)segments->data;
	uint64_t end = 0, sum = 0;

	for (size_t i = 0; i < count_of(segments); i++) {
		if (segment[i].offset < end || ckd_add(&end, segment[i].offset, segment[i].size) ||
		    end > size_bytes)
			return senseless(why);
		sum += segment[i].size; /* of pieces that lie beside each other in size_bytes */
	}
	if (sum != stored_bytes)
		return diag_set(why, -EUCLEAN, "a sparse file of %llu bytes in pieces of %llu",
				(unsigned long long)stored_bytes, (unsigned long long)sum);
	return 0;
}

int tar_sparse_take(const uint8_t *block, const struct tar_header *header,
		    const struct tar_pax *pax, struct tar_blocks *blocks, struct buf *segments,
		    struct tar_entry *entry, struct diag *why)
{
	bool is_old = header->type == 'S';
	int r;

	if (!is_old && !pax->sparse.is_there)
		return 0;
	if (entry->type != TAR_REGULAR || (is_old && pax->sparse.is_there))
		return diag_set(why, -EUCLEAN, "a sparse file that is something else, too");
	entry->is_sparse = true;
	/* The one's map is beside its body, the other's is part of it. */
	blocks->bytes_left = is_old ? UINT64_MAX : entry->stored_size;
	if (is_old)
		r = old_read(block, blocks, segments, &entry->size, why);
	else
		r = pax_read(&pax->sparse, blocks, segments, &entry->size, why);
	if (r < 0)
		return r;
	if (!is_old)
		entry->stored_size = blocks->bytes_left;
	entry->segments = (const struct tar_segment *)(void *)segments->data;
	entry->segment_count = count_of(segments);
	return map_check(segments, entry->size, entry->stored_size, why);
}

/* Expanding */

static int zeros_give(struct tar_expander *expander, uint64_t end, const struct tar_file_sink *sink,
		      struct diag *why)
{
	uint64_t size = end - expander->offset;

	expander->offset = end;
	return size ? sink->zeros(sink->context, size, why) : 0;
}

static int bytes_give(struct tar_expander *expander, struct span bytes,
		      const struct tar_file_sink *sink, struct diag *why)
{
	expander->offset += bytes.size;
	return sink->bytes(sink->context, bytes, why);
}

int tar_expand(struct tar_expander *expander, struct span bytes, const struct tar_file_sink *sink,
	       struct diag *why)
{
	const struct tar_entry *entry = expander->entry;

	if (!entry->is_sparse)
		return bytes_give(expander, bytes, sink, why);
	while (bytes.size) {
		const struct tar_segment *segment = &entry->segments[expander->index];
		uint64_t left = segment->size - expander->taken;
		size_t part = bytes.size < left ? bytes.size : (size_t)left;
		int r = zeros_give(expander, segment->offset + expander->taken, sink, why);

		if (r == 0 && part)
			r = bytes_give(expander, span_of(bytes.data, part), sink, why);
		if (r < 0)
			return r;
		bytes = span_of(bytes.data + part, bytes.size - part);
		expander->taken += part;
		if (expander->taken == segment->size) {
			expander->index++;
			expander->taken = 0;
		}
	}
	return 0;
}

int tar_expand_end(struct tar_expander *expander, const struct tar_file_sink *sink,
		   struct diag *why)
{
	return zeros_give(expander, expander->entry->size, sink, why);
}
