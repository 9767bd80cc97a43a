/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The body of a pax header (POSIX.1-2017, pax, "pax Extended Header"): records
 *
 *   "<size of the record in decimal> <key>=<value>\n"
 *
 * where the size counts all of it, its own digits and the newline, too. A value may hold any bytes.
 * An empty one says that there is no such record, but for xattrs: Linux knows empty values.
 */
#include <errno.h>

#include "base/ckd.h"
#include "base/diag.h"
#include "oci/tar_private.h"
#include "tree/tree.h"

#define XATTR_PREFIX SPAN_LITERAL("SCHILY.xattr.")
#define SPARSE_PREFIX SPAN_LITERAL("GNU.sparse.")

bool tar_decimal(struct span text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || ckd_mul(&value, value, 10) ||
		    ckd_add(&value, value, text.data[i] - '0'))
			return false;
	}
	*ret = value;
	return text.size > 0 && value <= max;
}

/* Cut text at the first byte c; false when there is none. */
static bool split(struct span text, char c, struct span *ret_before, struct span *ret_behind)
{
	const uint8_t *place = text.size ? memchr(text.data, c, text.size) : NULL;
	size_t size = place ? (size_t)(place - text.data) : 0;

	return place && span_cut(text, 0, size, ret_before) &&
	       span_from(text, size + 1, ret_behind);
}

/* Take the next record off bytes. */
static int record_take(struct span *bytes, struct span *ret_key, struct span *ret_value,
		       struct diag *why)
{
	struct span digits, rest, record;
	uint64_t size;

	if (!split(*bytes, ' ', &digits, &rest) || !tar_decimal(digits, bytes->size, &size) ||
	    size <= digits.size + 1 || !span_cut(rest, 0, size - digits.size - 1, &record) ||
	    record.data[record.size - 1] != '\n')
		return diag_set(why, -EUCLEAN, "a pax record has not the size that it says");
	if (!split(span_of(record.data, record.size - 1), '=', ret_key, ret_value) ||
	    ret_key->size == 0)
		return diag_set(why, -EUCLEAN, "a pax record without a key");
	*bytes = span_of(record.data + record.size, bytes->size - (size_t)size);
	return 0;
}

/* "-12.345": -13 s and 655,000,000 ns. Digits past the ninth are dropped. */
static bool time_of(struct span text, int64_t *ret_sec, uint32_t *ret_nsec)
{
	bool is_negative = text.size && text.data[0] == '-';
	struct span whole = text, fraction = SPAN_EMPTY;
	uint32_t nsec = 0;
	uint64_t sec;

	if (is_negative)
		whole = text = span_of(text.data + 1, text.size - 1);
	(void)split(text, '.', &whole, &fraction);
	if (!tar_decimal(whole, INT64_MAX, &sec))
		return false;
	for (size_t i = 0; i < fraction.size; i++) {
		if (fraction.data[i] < '0' || fraction.data[i] > '9')
			return false;
	}
	for (size_t i = 0; i < 9; i++)
		nsec = nsec * 10 + (i < fraction.size ? fraction.data[i] - (uint32_t)'0' : 0);
	*ret_sec = is_negative ? -(int64_t)sec - (nsec > 0) : (int64_t)sec;
	*ret_nsec = is_negative && nsec ? 1000000000 - nsec : nsec;
	return true;
}

static int invalid(struct span key, struct diag *why)
{
	return diag_set(why, -EUCLEAN, "the pax record '%.*s' makes no sense", (int)key.size,
			(const char *)key.data);
}

static int name_take(struct span key, struct span value, bool *ret_has, struct span *ret,
		     struct diag *why)
{
	if (value.size && memchr(value.data, '\0', value.size))
		return invalid(key, why);
	*ret_has = value.size > 0;
	*ret = value;
	return 0;
}

static int number_take(struct span key, struct span value, uint64_t max, bool *ret_has,
		       uint64_t *ret, struct diag *why)
{
	if (value.size && !tar_decimal(value, max, ret))
		return invalid(key, why);
	*ret_has = value.size > 0;
	return 0;
}

static int id_take(struct span key, struct span value, bool *ret_has, uint32_t *ret,
		   struct diag *why)
{
	uint64_t id = 0;
	int r = number_take(key, value, UINT32_MAX, ret_has, &id, why);

	*ret = (uint32_t)id;
	return r;
}

static int record_apply(struct span key, struct span value, struct tar_pax *pax, struct buf *xattrs,
			struct buf *segments, struct diag *why)
{
	struct xattr xattr = {.value = value};

	if (span_starts_with(key, XATTR_PREFIX)) {
		(void)span_from(key, XATTR_PREFIX.size, &xattr.key);
		return buf_append(xattrs, &xattr, sizeof(xattr));
	}
	if (span_starts_with(key, SPARSE_PREFIX)) {
		(void)span_from(key, SPARSE_PREFIX.size, &key);
		return tar_sparse_record(key, value, &pax->sparse, segments, why);
	}
	if (span_equal(key, SPAN_LITERAL("path")))
		return name_take(key, value, &pax->has_name, &pax->name, why);
	if (span_equal(key, SPAN_LITERAL("linkpath")))
		return name_take(key, value, &pax->has_target, &pax->target, why);
	if (span_equal(key, SPAN_LITERAL("size")))
		return number_take(key, value, INT64_MAX, &pax->has_size, &pax->size, why);
	if (span_equal(key, SPAN_LITERAL("uid")))
		return id_take(key, value, &pax->has_uid, &pax->uid, why);
	if (span_equal(key, SPAN_LITERAL("gid")))
		return id_take(key, value, &pax->has_gid, &pax->gid, why);
	if (span_equal(key, SPAN_LITERAL("mtime"))) {
		pax->has_mtime = value.size > 0;
		if (value.size && !time_of(value, &pax->mtime_sec, &pax->mtime_nsec))
			return invalid(key, why);
	}
	return 0; /* others say nothing that an image has a place for */
}

int tar_pax_parse(struct span bytes, struct tar_pax *ret, struct buf *xattrs, struct buf *segments,
		  struct diag *why)
{
	struct tar_pax pax = {0};

	while (bytes.size) {
		struct span key = {0}, value = {0};
		int r = record_take(&bytes, &key, &value, why);

		if (r == 0)
			r = record_apply(key, value, &pax, xattrs, segments, why);
		if (r < 0)
			return r;
	}
	*ret = pax;
	return 0;
}
