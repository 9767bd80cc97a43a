/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * What is refused here is what composefs-rs refuses (composefs-repository.md, 2.6). It takes flags
 * that are set, gaps and overlaps between sections, and digests that nothing uses, and so do we:
 * none of them can lead a reader astray that goes by the ranges.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "store/splitstream_private.h"

static int range_parse(const struct splitstream_range_disk *raw, uint64_t file_size,
		       const char *what, struct splitstream_range *ret, struct diag *why)
{
	struct splitstream_range range = {le64_get(raw->start), le64_get(raw->end)};

	if (range.end < range.start || range.end > file_size)
		return diag_set(why, -EUCLEAN,
				"splitstream: %s from %llu to %llu in a file of %llu", what,
				(unsigned long long)range.start, (unsigned long long)range.end,
				(unsigned long long)file_size);
	*ret = range;
	return 0;
}

/* What both headers have, in the order of the new one. */
static bool header_fields(struct span raw, struct splitstream_header_disk *ret)
{
	const struct splitstream_header_disk *header =
		span_at(raw, 0, struct splitstream_header_disk);
	const struct splitstream_old_header_disk *old =
		span_at(raw, 0, struct splitstream_old_header_disk);

	if (!header || !old)
		return false;
	if (memcmp(header->magic, SPLITSTREAM_MAGIC.data, SPLITSTREAM_MAGIC_SIZE) == 0) {
		*ret = *header;
		return true;
	}
	if (memcmp(old->magic, SPLITSTREAM_MAGIC.data, SPLITSTREAM_MAGIC_SIZE) != 0)
		return false;
	*ret = (struct splitstream_header_disk){.version = old->version,
						.algorithm = old->algorithm,
						.log_block_size = old->log_block_size,
						.info = old->info};
	return true;
}

int splitstream_header_parse(struct span raw, uint64_t file_size, enum digest_algorithm algorithm,
			     struct splitstream_range *ret, struct diag *why)
{
	struct splitstream_header_disk header;
	struct splitstream_range info;
	int r;

	if (!header_fields(raw, &header))
		return diag_set(why, -EUCLEAN, "not a splitstream");
	if (header.version != SPLITSTREAM_VERSION)
		return diag_set(why, -EOPNOTSUPP, "splitstream: version %d is not known",
				header.version);
	if (header.algorithm != algorithm)
		return diag_set(why, -EUCLEAN,
				"splitstream: hash algorithm %d, that of the repository is %d",
				header.algorithm, (int)algorithm);
	if (header.log_block_size != SPLITSTREAM_LOG_BLOCK_SIZE)
		return diag_set(why, -EUCLEAN, "splitstream: a hash over blocks of 2^%d bytes",
				header.log_block_size);
	r = range_parse(&header.info, file_size, "info", &info, why);
	if (r < 0)
		return r;
	if (info.end - info.start < sizeof(struct splitstream_info_disk))
		return diag_set(why, -EUCLEAN, "splitstream: info of %llu bytes",
				(unsigned long long)(info.end - info.start));
	*ret = info;
	return 0;
}

static int table_check(const struct splitstream_range *range, enum digest_algorithm algorithm,
		       size_t count_max, const char *what, struct diag *why)
{
	uint64_t size = range->end - range->start;

	if (size % digest_size(algorithm))
		return diag_set(why, -EUCLEAN, "splitstream: %s of %llu bytes, not whole hashes",
				what, (unsigned long long)size);
	if (size / digest_size(algorithm) > count_max)
		return diag_set(why, -E2BIG, "splitstream: %s has more than %zu entries", what,
				count_max);
	return 0;
}

int splitstream_info_parse(struct span raw, uint64_t file_size, enum digest_algorithm algorithm,
			   struct splitstream_layout *ret, struct diag *why)
{
	const struct splitstream_info_disk *info = span_at(raw, 0, struct splitstream_info_disk);
	struct splitstream_layout layout;
	int r;

	if (!info)
		return diag_set(why, -EUCLEAN, "splitstream: the info ends too early");
	r = range_parse(&info->stream_refs, file_size, "stream_refs", &layout.stream_refs, why);
	if (r == 0)
		r = range_parse(&info->object_refs, file_size, "object_refs", &layout.object_refs,
				why);
	if (r == 0)
		r = range_parse(&info->named_refs, file_size, "named_refs", &layout.named_refs,
				why);
	if (r == 0)
		r = range_parse(&info->stream, file_size, "stream", &layout.stream, why);
	if (r == 0)
		r = table_check(&layout.stream_refs, algorithm, SPLITSTREAM_REFERENCE_MAX,
				"stream_refs", why);
	if (r == 0)
		r = table_check(&layout.object_refs, algorithm, SPLITSTREAM_OBJECT_MAX,
				"object_refs", why);
	if (r < 0)
		return r;
	layout.content_type = le64_get(info->content_type);
	layout.size = le64_get(info->size);
	*ret = layout;
	return 0;
}

/* "<index>:<name>", without its NUL. */
static int entry_parse(struct span entry, size_t count, struct splitstream_named *ret,
		       struct diag *why)
{
	size_t index = 0, i;

	for (i = 0; i < entry.size && entry.data[i] >= '0' && entry.data[i] <= '9'; i++) {
		if (ckd_mul(&index, index, (size_t)10) ||
		    ckd_add(&index, index, (size_t)(entry.data[i] - '0')))
			return diag_set(why, -EUCLEAN, "splitstream: an index without end");
	}
	if (i == 0 || i == entry.size || entry.data[i] != ':')
		return diag_set(why, -EUCLEAN,
				"splitstream: a named reference without index and colon");
	if (index >= count)
		return diag_set(why, -EUCLEAN, "splitstream: a name for reference %zu of %zu",
				index, count);
	if (!span_from(entry, i + 1, &ret->name) || !utf8_is_valid(ret->name))
		return diag_set(why, -EUCLEAN, "splitstream: a name that is not UTF-8");
	ret->index = index;
	return 0;
}

/* By name; the order in the text decides between equal ones. */
static int named_order(const void *a, const void *b)
{
	const struct splitstream_named *left = a, *right = b;
	int order = span_compare(left->name, right->name);

	return order ? order
		     : (left->name.data > right->name.data) - (left->name.data < right->name.data);
}

/* Of a name that occurs twice, the last one stays. Returns the count. */
static size_t named_unique(struct splitstream_named *named, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (i + 1 < count && span_equal(named[i].name, named[i + 1].name))
			continue;
		named[kept++] = named[i];
	}
	return kept;
}

int splitstream_named_parse(struct span text, size_t count, struct buf *ret, struct diag *why)
{
	CLEAN(buf_release) struct buf all = {0};
	struct splitstream_named *first;
	size_t kept;

	while (text.size) {
		const uint8_t *end = memchr(text.data, '\0', text.size);
		struct splitstream_named named;
		int r;

		if (!end)
			return diag_set(why, -EUCLEAN, "splitstream: a name without end");
		r = entry_parse(span_of(text.data, (size_t)(end - text.data)), count, &named, why);
		if (r == 0)
			r = buf_append(&all, &named, sizeof(named));
		if (r < 0)
			return r;
		(void)span_from(text, (uint64_t)(end - text.data) + 1, &text);
	}
	if (!all.size)
		return 0;
	first = (struct splitstream_named *)(void *)all.data;
	qsort(first, all.size / sizeof(*first), sizeof(*first), named_order);
	kept = named_unique(first, all.size / sizeof(*first));
	return buf_append(ret, first, kept * sizeof(*first));
}
