/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * dump_line.c - one line of a dump as facts
 *
 *   PATH SIZE MODE NLINK UID GID RDEV MTIME PAYLOAD CONTENT DIGEST [KEY=VALUE ...]
 *
 * Fields end at exactly one space; those that are missing at the end are empty. composefs-image.md,
 * section 11.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/ckd.h"
#include "base/diag.h"
#include "base/limits.h"
#include "tree/dump_private.h"

#define MODE_MASK 0177777u /* the bits that an image can hold */

/* Cut the bytes up to the next space off *rest. */
static struct span field_next(struct span *rest)
{
	const uint8_t *space = rest->size ? memchr(rest->data, ' ', rest->size) : NULL;
	struct span field = *rest;

	if (!space) {
		*rest = SPAN_EMPTY;
		return field;
	}
	field.size = (size_t)(space - field.data);
	*rest = span_of(space + 1, rest->size - field.size - 1);
	return field;
}

/* Integers follow strtoull: leading blanks, a sign that wraps, saturation. */

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool number_parse(struct span text, unsigned int base, uint64_t *ret)
{
	bool is_negative = false, is_saturated = false;
	uint64_t value = 0;
	size_t i = 0;

	while (i < text.size && is_blank(text.data[i]))
		i++;
	if (i < text.size && (text.data[i] == '-' || text.data[i] == '+'))
		is_negative = text.data[i++] == '-';
	if (i == text.size)
		return false;
	for (; i < text.size; i++) {
		unsigned int digit = (unsigned int)text.data[i] - '0';

		if (digit >= base)
			return false;
		is_saturated |= ckd_mul(&value, value, base);
		is_saturated |= ckd_add(&value, value, digit);
	}
	if (is_saturated)
		value = UINT64_MAX;
	else if (is_negative)
		value = -value;
	*ret = value;
	return true;
}

static int number_field(struct span *rest, const char *what, uint64_t *ret, struct diag *why)
{
	if (!number_parse(field_next(rest), 10, ret))
		return diag_set(why, -EUCLEAN, "%s is no decimal number", what);
	return 0;
}

/* The 32-bit fields keep the low bits of what is given. */
static int word_field(struct span *rest, const char *what, uint32_t *ret, struct diag *why)
{
	uint64_t value = 0;
	int r = number_field(rest, what, &value, why);

	if (r == 0)
		*ret = (uint32_t)value;
	return r;
}

/* Escapes */

/* The byte behind a backslash at text[*at]; *at moves past the escape. */
static int escape_decode(struct span text, size_t *at, uint8_t *ret, struct diag *why)
{
	size_t left = text.size - *at - 1;
	const uint8_t *escape = text.data + *at + 1;

	if (left == 0)
		return diag_set(why, -EUCLEAN, "a backslash ends the field");
	*at += 2;
	switch (escape[0]) {
	case '\\':
		*ret = '\\';
		return 0;
	case 'n':
		*ret = '\n';
		return 0;
	case 'r':
		*ret = '\r';
		return 0;
	case 't':
		*ret = '\t';
		return 0;
	case 'x':
		if (left < 3 || !hex_decode(span_of(escape + 1, 2), ret, 1))
			return diag_set(why, -EUCLEAN, "\\x is not followed by two hex digits");
		*at += 2;
		return 0;
	default:
		return diag_set(why, -EUCLEAN, "byte %#04x cannot follow a backslash", escape[0]);
	}
}

/* *scratch has room for the whole line, so what it holds does not move. */
static int field_decode(struct span field, struct buf *scratch, struct span *ret, struct diag *why)
{
	uint8_t *out = scratch->data + scratch->size;
	size_t at = 0, size = 0;

	if (!field.size || !memchr(field.data, '\\', field.size)) {
		*ret = field;
		return 0;
	}
	while (at < field.size) {
		if (field.data[at] == '\\') {
			int r = escape_decode(field, &at, &out[size++], why);

			if (r < 0)
				return r;
		} else {
			out[size++] = field.data[at++];
		}
	}
	scratch->size += size;
	*ret = span_of(out, size);
	return 0;
}

/* For what is a C string in the format: it ends at its first NUL, and something must be left. */
static int string_decode(struct span field, const char *what, struct buf *scratch, struct span *ret,
			 struct diag *why)
{
	struct span decoded;
	int r = field_decode(field, scratch, &decoded, why);

	if (r < 0)
		return r;
	if (decoded.size)
		decoded.size = strnlen((const char *)decoded.data, decoded.size);
	if (field.size && !decoded.size)
		return diag_set(why, -EUCLEAN, "%s is empty before its NUL", what);
	*ret = decoded;
	return 0;
}

/* Fields */

static bool field_is_unset(struct span field)
{
	return field.size == 1 && field.data[0] == '-';
}

static int path_field(struct span *rest, struct buf *scratch, struct dump_line *ret,
		      struct diag *why)
{
	int r = string_decode(field_next(rest), "the path", scratch, &ret->path, why);

	if (r < 0)
		return r;
	if (!ret->path.size)
		return diag_set(why, -EUCLEAN, "the path is empty");
	return 0;
}

static bool mode_is_valid(uint32_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISBLK(mode) || S_ISCHR(mode) ||
	       S_ISSOCK(mode) || S_ISFIFO(mode);
}

static int mode_field(struct span *rest, struct dump_line *ret, struct diag *why)
{
	struct span field = field_next(rest);
	uint64_t raw_mode = 0;

	ret->is_hard_link = field.size && field.data[0] == '@';
	if (ret->is_hard_link)
		field = span_of(field.data + 1, field.size - 1);
	if (!number_parse(field, 8, &raw_mode))
		return diag_set(why, -EUCLEAN, "the mode is no octal number");
	ret->mode = (uint32_t)raw_mode & MODE_MASK;
	if (!mode_is_valid(ret->mode))
		return diag_set(why, -EUCLEAN, "mode %#o has no known file type", ret->mode);
	if (ret->is_hard_link && S_ISDIR(ret->mode))
		return diag_set(why, -EUCLEAN, "a directory cannot be a hard link");
	return 0;
}

static int mtime_field(struct span *rest, struct dump_line *ret, struct diag *why)
{
	struct span field = field_next(rest);
	const uint8_t *dot = field.size ? memchr(field.data, '.', field.size) : NULL;
	uint64_t sec = 0, nsec = 0;
	struct span tail;

	if (!dot || !span_from(field, (size_t)(dot - field.data) + 1, &tail) ||
	    !number_parse(span_of(field.data, (size_t)(dot - field.data)), 10, &sec) ||
	    !number_parse(tail, 10, &nsec))
		return diag_set(why, -EUCLEAN, "the time is not seconds.nanoseconds");
	ret->mtime_sec = (int64_t)sec;
	ret->mtime_nsec = (uint32_t)nsec;
	return 0;
}

static int payload_field(struct span *rest, struct buf *scratch, struct dump_line *ret,
			 struct diag *why)
{
	struct span field = field_next(rest);
	int r;

	if (field_is_unset(field))
		return 0;
	r = string_decode(field, "the payload", scratch, &ret->payload, why);
	if (r < 0)
		return r;
	if (ret->payload.size > PAYLOAD_SIZE_MAX)
		return diag_set(why, -E2BIG, "payload of %zu bytes, at most %d can be",
				ret->payload.size, PAYLOAD_SIZE_MAX);
	ret->has_payload = ret->payload.size > 0;
	return 0;
}

static int content_field(struct span *rest, struct buf *scratch, struct dump_line *ret,
			 struct diag *why)
{
	struct span field = field_next(rest);
	int r;

	if (field_is_unset(field))
		return 0;
	r = field_decode(field, scratch, &ret->content, why);
	if (r < 0)
		return r;
	if (ret->content.size > INLINE_SIZE_MAX)
		return diag_set(why, -E2BIG, "inline content of %zu bytes, at most %d can be",
				ret->content.size, INLINE_SIZE_MAX);
	if (ret->content.size != ret->size)
		return diag_set(why, -EUCLEAN, "inline content of %zu bytes in a file of %llu",
				ret->content.size, (unsigned long long)ret->size);
	ret->has_content = true;
	return 0;
}

static int digest_field(struct span *rest, struct buf *scratch, struct dump_line *ret,
			struct diag *why)
{
	struct span field = field_next(rest), hex;
	enum digest_algorithm algorithm;
	int r;

	if (!field.size || field_is_unset(field))
		return 0;
	r = field_decode(field, scratch, &hex, why);
	if (r < 0)
		return r;
	algorithm = hex.size % 2 ? DIGEST_NONE : digest_algorithm_by_size(hex.size / 2);
	if (algorithm == DIGEST_NONE)
		return diag_set(why, -EUCLEAN, "digest of %zu characters, 64 or 128 are hex of one",
				hex.size);
	if (!hex_decode(hex, ret->digest.bytes, hex.size / 2))
		return diag_set(why, -EUCLEAN, "the digest is not hex");
	ret->digest.algorithm = (uint8_t)algorithm;
	return 0;
}

/* Of a hard link nothing else counts, whatever stands there. */
static int link_fields(struct span *rest, struct buf *scratch, struct dump_line *ret,
		       struct diag *why)
{
	int r;

	for (size_t i = 0; i < 5; i++) /* NLINK UID GID RDEV MTIME */
		(void)field_next(rest);
	r = payload_field(rest, scratch, ret, why);
	if (r < 0)
		return r;
	if (!ret->has_payload)
		return diag_set(why, -EUCLEAN, "a hard link without the path of its target");
	return 0;
}

static int fixed_fields(struct span *rest, struct buf *scratch, struct dump_line *ret,
			struct diag *why)
{
	int r;

	if ((r = word_field(rest, "the link count", &ret->nlink, why)) < 0 ||
	    (r = word_field(rest, "the user id", &ret->uid, why)) < 0 ||
	    (r = word_field(rest, "the group id", &ret->gid, why)) < 0 ||
	    (r = word_field(rest, "the device number", &ret->rdev, why)) < 0 ||
	    (r = mtime_field(rest, ret, why)) < 0 ||
	    (r = payload_field(rest, scratch, ret, why)) < 0 ||
	    (r = content_field(rest, scratch, ret, why)) < 0 ||
	    (r = digest_field(rest, scratch, ret, why)) < 0)
		return r;
	if (rest->size > XATTR_LINE_SIZE_MAX)
		return diag_set(why, -E2BIG, "xattrs of %zu bytes of text, at most %d can be",
				rest->size, XATTR_LINE_SIZE_MAX);
	ret->raw_xattrs = *rest;
	return 0;
}

int dump_line_parse(struct span text, struct buf *scratch, struct dump_line *ret, struct diag *why)
{
	struct dump_line line = {0};
	struct span rest = text, raw_size;
	int r;

	if (text.size && memchr(text.data, '\0', text.size))
		return diag_set(why, -EUCLEAN, "there is a NUL byte");
	scratch->size = 0;
	r = buf_reserve(scratch, text.size);
	if (r < 0)
		return r;
	r = path_field(&rest, scratch, &line, why);
	if (r < 0)
		return r;
	raw_size = field_next(&rest);
	r = mode_field(&rest, &line, why);
	if (r < 0)
		return r;
	if (line.is_hard_link) {
		r = link_fields(&rest, scratch, &line, why);
	} else {
		if (!number_parse(raw_size, 10, &line.size))
			return diag_set(why, -EUCLEAN, "the size is no decimal number");
		r = fixed_fields(&rest, scratch, &line, why);
	}
	if (r < 0)
		return r;
	*ret = line;
	return 0;
}

int dump_line_xattr(struct dump_line *line, struct buf *scratch, struct span *ret_key,
		    struct span *ret_value, struct diag *why)
{
	struct span field, key, value;
	const uint8_t *equals;
	size_t key_size;
	int r;

	if (!line->raw_xattrs.size)
		return 0;
	field = field_next(&line->raw_xattrs);
	equals = field.size ? memchr(field.data, '=', field.size) : NULL;
	if (!equals)
		return diag_set(why, -EUCLEAN, "an xattr without '='");
	key_size = (size_t)(equals - field.data);
	r = string_decode(span_of(field.data, key_size), "an xattr key", scratch, &key, why);
	if (r < 0)
		return r;
	r = field_decode(span_of(equals + 1, field.size - key_size - 1), scratch, &value, why);
	if (r < 0)
		return r;
	*ret_key = key;
	*ret_value = value;
	return 1;
}
