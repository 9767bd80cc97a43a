/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/toc_fetch.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/pieces.h"
#include "oci/descriptor.h"
#include "oci/inflate.h"
#include "oci/manifest.h"
#include "oci/source.h"
#include "oci/tar.h"
#include "verity/sha.h"

#define TABLE_NAME "stargz.index.json"

/* Annotations */

/* Numbers with colons between and nothing else. */
static bool numbers_take(const char *text, uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 0;
		int digits = 0;

		for (; *text >= '0' && *text <= '9'; text++, digits++)
			value = value * 10 + (uint64_t)(*text - '0');
		if (digits == 0 || digits > 18 || *text++ != (i + 1 < count ? ':' : '\0'))
			return false;
		numbers[i] = value;
	}
	return true;
}

/* "OFFSET:SIZE:PLAIN SIZE:TYPE", of which type 1 is what we know. */
static bool chunked_find(const struct oci_item *layer, const char *digest, const char *position,
			 struct toc_place *ret)
{
	uint64_t numbers[4], size = layer->descriptor.size;

	if (oci_digest_parse(span_of_string(digest), &ret->digest) < 0 ||
	    !numbers_take(position, numbers, 4) || numbers[3] != 1 || numbers[0] > size ||
	    numbers[1] == 0 || numbers[1] > size - numbers[0] || numbers[1] > TOC_PACKED_SIZE_MAX ||
	    numbers[2] > TOC_SIZE_MAX)
		return false;
	ret->format = TOC_ZSTD_CHUNKED;
	ret->offset = numbers[0];
	ret->size = numbers[1];
	ret->plain_size = numbers[2];
	return true;
}

bool toc_find(const struct oci_item *layer, struct toc_place *ret)
{
	/* The second name is that of containers/storage before 1.40, which Debian 12 has. */
	static const char *const prefixes[] = {"io.github.containers.zstd-chunked.manifest-",
					       "io.containers.zstd-chunked.manifest-"};
	struct toc_place place = {0};
	const char *digest, *position;
	char key[80];

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		(void)snprintf(key, sizeof(key), "%schecksum", prefixes[i]);
		digest = oci_annotation(layer->annotations, key);
		(void)snprintf(key, sizeof(key), "%sposition", prefixes[i]);
		position = oci_annotation(layer->annotations, key);
		if (digest && position && chunked_find(layer, digest, position, &place)) {
			*ret = place;
			return true;
		}
	}
	place = (struct toc_place){.format = TOC_ESTARGZ};
	digest = oci_annotation(layer->annotations, "containerd.io/snapshot/stargz/toc.digest");
	if (!digest || oci_digest_parse(span_of_string(digest), &place.digest) < 0 ||
	    place.digest.algorithm != DIGEST_SHA256 || layer->descriptor.size <= TOC_FOOTER_SIZE)
		return false;
	*ret = place;
	return true;
}

/* docs/estargz.md, "Footer": an empty gzip member with a field of extra data, of fixed bytes but
 * for flags, time and system in its header. */
int toc_footer_parse(struct span footer, uint64_t *ret_offset, struct diag *why)
{
	static const uint8_t head[] = {0x1f, 0x8b, 8, 4};
	static const uint8_t extra[] = {26, 0, 'S', 'G', 22, 0};
	static const uint8_t tail[] = {1, 0, 0, 0xff, 0xff};
	struct span digits, mark, end;
	uint64_t offset = 0;

	if (footer.size != TOC_FOOTER_SIZE || memcmp(footer.data, head, sizeof(head)) != 0 ||
	    memcmp(footer.data + 10, extra, sizeof(extra)) != 0 ||
	    !span_cut(footer, 16, 16, &digits) || !span_cut(footer, 32, 6, &mark) ||
	    !span_equal(mark, SPAN_LITERAL("STARGZ")) ||
	    !span_cut(footer, 38, sizeof(tail), &end) ||
	    !span_equal(end, span_of(tail, sizeof(tail))))
		return diag_set(why, -EUCLEAN, "the blob does not end as eStargz does");
	for (size_t i = 0; i < digits.size; i++) {
		uint8_t c = digits.data[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return diag_set(why, -EUCLEAN, "the place of the table is no number");
		offset = offset << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret_offset = offset;
	return 0;
}

/* Fetching */

/* size is of a part that is small enough to keep. */
static int part_fetch(struct oci_source *source, const struct oci_item *layer, uint64_t offset,
		      uint64_t size, struct buf *ret, struct diag *why)
{
	struct reader reader;
	ssize_t got = -ENOMEM;
	int r;

	r = buf_reserve(ret, (size_t)size);
	if (r == 0)
		r = oci_source_range(source, &layer->descriptor, offset, size, &reader, why);
	if (r < 0)
		return r;
	while (ret->size < size) {
		got = reader_read(&reader, ret->data + ret->size, (size_t)size - ret->size, why);
		if (got <= 0)
			break;
		ret->size += (size_t)got;
	}
	reader_close(&reader);
	if (ret->size == size)
		return 0;
	return got < 0 ? (int)got : diag_set(why, -ECONNRESET, "the answer is too short");
}

static int digest_check(struct span bytes, const struct digest *expected, struct diag *why)
{
	struct digest found;
	int r = sha_of((enum digest_algorithm)expected->algorithm, bytes, &found, why);

	if (r == 0 && !digest_equal(&found, expected))
		return diag_set(why, -EBADMSG, "it has not the digest that the manifest says");
	return r;
}

/* All of a span, once. */
static int span_next(void *context, struct span *ret, struct diag *why)
{
	struct span *left = context;

	(void)why;
	if (left->size == 0)
		return 0;
	*ret = *left;
	*left = SPAN_EMPTY;
	return 1;
}

static int read_all(const struct reader *reader, size_t size, struct buf *ret, struct diag *why)
{
	int r = buf_reserve(ret, size);

	if (r < 0)
		return r;
	while (ret->size < size) {
		ssize_t got = reader_read(reader, ret->data + ret->size, size - ret->size, why);

		if (got < 0)
			return (int)got;
		if (got == 0)
			return diag_set(why, -EUCLEAN, "it is shorter than promised");
		ret->size += (size_t)got;
	}
	return 0;
}

static int chunked_fetch(struct oci_source *source, const struct oci_item *layer,
			 const struct toc_place *place, struct toc **ret, struct diag *why)
{
	CLEAN(buf_release) struct buf packed = {0}, plain = {0};
	struct span left;
	const struct pieces pieces = {.next = span_next, .context = &left};
	struct reader reader;
	int r;

	r = part_fetch(source, layer, place->offset, place->size, &packed, why);
	if (r == 0)
		r = digest_check(buf_span(&packed), &place->digest, why);
	if (r < 0)
		return r;
	left = buf_span(&packed);
	r = inflate_open(&pieces, place->plain_size, &reader);
	if (r < 0)
		return r;
	r = read_all(&reader, (size_t)place->plain_size, &plain, why);
	reader_close(&reader);
	return r < 0 ? r : toc_parse(buf_span(&plain), TOC_ZSTD_CHUNKED, place->offset, ret, why);
}

/* The table as a file of the archive: its entry, and its bytes. */
static int table_take(struct tar *tar, struct tar_entry *ret, struct buf *bytes, struct diag *why)
{
	struct span part;
	int r = tar_next(tar, ret, why);

	if (r < 0)
		return r;
	if (r == 0 || ret->type != TAR_REGULAR || !span_equal(ret->name, SPAN_LITERAL(TABLE_NAME)))
		return diag_set(why, -EUCLEAN, "where the table should be is no " TABLE_NAME);
	if (ret->size > TOC_SIZE_MAX)
		return diag_set(why, -E2BIG, "it has more than %zu MiB",
				TOC_SIZE_MAX / (1024 * 1024));
	while ((r = tar_body(tar, &part, why)) > 0) {
		r = buf_append_span(bytes, part);
		if (r < 0)
			break;
	}
	return r;
}

/* bytes of the blob from offset on. */
static int table_read(struct span packed, uint64_t offset, const struct toc_place *place,
		      struct toc **ret, struct diag *why)
{
	const struct pieces pieces = {.next = span_next, .context = &packed};
	uint8_t buffer[16 * 1024];
	struct reader_pieces plain = {.buffer = buffer, .size = sizeof(buffer)};
	const struct pieces plain_pieces = pieces_of_reader(&plain);
	const uint64_t end = offset + packed.size;
	CLEAN(tar_closep) struct tar *tar = NULL;
	CLEAN(buf_release) struct buf bytes = {0};
	CLEAN(toc_freep) struct toc *toc = NULL;
	struct tar_entry entry;
	struct reader reader;
	int r;

	r = inflate_open(&pieces, TOC_SIZE_MAX + TOC_SKIP_MAX, &reader);
	if (r < 0)
		return r;
	plain.reader = &reader;
	r = tar_open(&plain_pieces, NULL, NULL, &tar);
	if (r == 0)
		r = table_take(tar, &entry, &bytes, why);
	if (r == 0)
		r = digest_check(buf_span(&bytes), &place->digest, why);
	if (r == 0)
		r = toc_parse(buf_span(&bytes), TOC_ESTARGZ, offset, &toc, why);
	if (r == 0) {
		const struct toc_chunk chunk = {.offset = offset,
						.end = end,
						.skip = tar_offset(tar) - entry.size,
						.size = entry.size,
						.digest = place->digest};

		r = toc_add_file(toc, &entry, &chunk);
	}
	reader_close(&reader);
	if (r == 0)
		*ret = TAKE(toc);
	return r;
}

static int estargz_fetch(struct oci_source *source, const struct oci_item *layer,
			 const struct toc_place *place, struct toc **ret, struct diag *why)
{
	CLEAN(buf_release) struct buf footer = {0}, packed = {0};
	uint64_t offset = 0, end = layer->descriptor.size - TOC_FOOTER_SIZE;
	int r;

	r = part_fetch(source, layer, end, TOC_FOOTER_SIZE, &footer, why);
	if (r == 0)
		r = toc_footer_parse(buf_span(&footer), &offset, why);
	if (r == 0 && offset >= end)
		r = diag_set(why, -EUCLEAN, "a table that is not in the blob");
	if (r == 0 && end - offset > TOC_PACKED_SIZE_MAX)
		r = diag_set(why, -E2BIG, "a table of more than %zu MiB",
			     TOC_PACKED_SIZE_MAX / (1024 * 1024));
	if (r == 0)
		r = part_fetch(source, layer, offset, end - offset, &packed, why);
	return r < 0 ? r : table_read(buf_span(&packed), offset, place, ret, why);
}

int toc_fetch(struct oci_source *source, const struct oci_item *layer,
	      const struct toc_place *place, struct toc **ret, struct diag *why)
{
	int r = place->format == TOC_ESTARGZ ? estargz_fetch(source, layer, place, ret, why)
					     : chunked_fetch(source, layer, place, ret, why);

	return r < 0 ? diag_wrap(why, r, "table of contents") : 0;
}
