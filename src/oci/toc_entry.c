/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/descriptor.h"
#include "oci/json.h"
#include "oci/tar.h"
#include "oci/toc_private.h"
#include "tree/tree.h"

int toc_number(const struct json_t *entry, const char *key, uint64_t max, uint64_t *ret,
	       struct diag *why)
{
	const json_t *value = json_object_get(entry, key);

	*ret = 0;
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > max)
		return diag_set(why, -EUCLEAN, "'%s' is not a number that it can be", key);
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

static int number32(const struct json_t *entry, const char *key, uint32_t *ret, struct diag *why)
{
	uint64_t value;
	int r = toc_number(entry, key, UINT32_MAX, &value, why);

	*ret = (uint32_t)value;
	return r;
}

int toc_digest(const struct json_t *entry, const char *key, struct digest *ret, struct diag *why)
{
	const char *text;
	int r = oci_json_text(entry, key, &text, why);

	*ret = (struct digest){0};
	if (r < 0 || !text || !text[0])
		return r;
	if (oci_digest_parse(span_of_string(text), ret) < 0)
		return diag_set(why, -EUCLEAN, "'%s' is no digest", key);
	if (ret->algorithm != DIGEST_SHA256)
		return diag_set(why, -EOPNOTSUPP, "'%s' is not of SHA-256", key);
	return 0;
}

/*
 * Text that was bytes before. Go's encoding/json writes U+FFFD for what is not UTF-8: what the name
 * was is lost.
 */
static int name_take(const struct json_t *entry, const char *key, struct span *ret,
		     struct diag *why)
{
	const char *text;
	int r = oci_json_text_needed(entry, key, &text, why);

	if (r < 0)
		return r;
	if (!text[0])
		return diag_set(why, -EUCLEAN, "'%s' is empty", key);
	if (strstr(text, "\xef\xbf\xbd"))
		return diag_set(why, -EOPNOTSUPP, "a name that is not UTF-8");
	*ret = span_of_string(text);
	return 0;
}

static int type_take(const struct json_t *entry, enum tar_type *ret, struct diag *why)
{
	static const struct {
		const char *name;
		enum tar_type type;
	} types[] = {
		{"reg", TAR_REGULAR},     {"hardlink", TAR_HARD_LINK},
		{"symlink", TAR_SYMLINK}, {"char", TAR_CHARACTER_DEVICE},
		{"dir", TAR_DIRECTORY},   {"block", TAR_BLOCK_DEVICE},
		{"fifo", TAR_FIFO},
	};
	const char *text;
	int r = oci_json_text_needed(entry, "type", &text, why);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(text, types[i].name) == 0) {
			*ret = types[i].type;
			return 0;
		}
	}
	return diag_set(why, -EOPNOTSUPP, "an entry of type '%.20s'", text);
}

/* Times: RFC 3339, 5.6 */

/* count digits off text. */
static bool digits_take(const char **text, int count, int *ret)
{
	*ret = 0;
	for (int i = 0; i < count; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		*ret = *ret * 10 + (**text - '0');
	}
	return true;
}

static bool number_take(const char **text, int count, char behind, int *ret)
{
	return digits_take(text, count, ret) && *(*text)++ == behind;
}

/* Days since 1970 of a date of the Gregorian calendar, by years that begin in March. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t m = month > 2 ? month - 3 : month + 9;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * m + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* ".123": digits past the ninth are dropped. */
static uint32_t fraction_take(const char **text)
{
	uint32_t nsec = 0;
	int count = 0;

	if (**text != '.')
		return 0;
	for ((*text)++; **text >= '0' && **text <= '9'; (*text)++) {
		if (count++ < 9)
			nsec = nsec * 10 + (uint32_t)(**text - '0');
	}
	for (; count < 9; count++)
		nsec *= 10;
	return nsec;
}

/* "Z" or "+01:00" to the end: how many seconds to take away. */
static bool zone_take(const char *text, int64_t *ret)
{
	int hours, minutes, sign = *text == '-' ? -1 : 1;

	*ret = 0;
	if (strcmp(text, "Z") == 0)
		return true;
	if (*text != '+' && *text != '-')
		return false;
	text++;
	if (!number_take(&text, 2, ':', &hours) || !digits_take(&text, 2, &minutes) || *text)
		return false;
	*ret = sign * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

static bool time_of(const char *text, int64_t *ret_sec, uint32_t *ret_nsec)
{
	int year, month, day, hour, minute, second;
	int64_t zone;

	if (!number_take(&text, 4, '-', &year) || !number_take(&text, 2, '-', &month) ||
	    !number_take(&text, 2, 'T', &day) || !number_take(&text, 2, ':', &hour) ||
	    !number_take(&text, 2, ':', &minute) || !digits_take(&text, 2, &second) || month < 1 ||
	    month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
		return false;
	*ret_nsec = fraction_take(&text);
	if (!zone_take(text, &zone))
		return false;
	*ret_sec = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone;
	return true;
}

/* Missing: the beginning of 1970, which Go's zero time is written as into archives, too. */
static int time_take(const struct json_t *entry, struct tar_entry *meta, struct diag *why)
{
	const char *text;
	int r = oci_json_text(entry, "modtime", &text, why);

	if (r < 0 || !text || !text[0] || strcmp(text, "0001-01-01T00:00:00Z") == 0)
		return r;
	if (!time_of(text, &meta->mtime_sec, &meta->mtime_nsec))
		return diag_set(why, -EUCLEAN, "'modtime' is no time");
	return 0;
}

/* Xattrs */

static int xattr_take(const char *key, const json_t *value, struct arena *arena, struct xattr *ret,
		      struct diag *why)
{
	CLEAN(buf_release) struct buf bytes = {0};
	const char *text = json_string_value(value);
	char *copy;
	int r = text ? base64_decode(span_of_string(text), &bytes) : -EUCLEAN;

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return diag_set(why, -EUCLEAN, "the xattr '%.100s' is not base64", key);
	copy = arena_copy(arena, buf_span(&bytes));
	if (!copy)
		return -ENOMEM;
	*ret = (struct xattr){.key = span_of_string(key), .value = span_of(copy, bytes.size)};
	return 0;
}

static int xattrs_take(const struct json_t *entry, struct arena *arena, struct tar_entry *meta,
		       struct diag *why)
{
	const json_t *object;
	struct xattr *xattrs;
	json_t *writable, *value;
	const char *key;
	size_t count = 0;
	int r = oci_json_object(entry, "xattrs", &object, why);

	if (r < 0 || !object || json_object_size(object) == 0)
		return r;
	xattrs = arena_alloc(arena, json_object_size(object) * sizeof(*xattrs),
			     _Alignof(struct xattr));
	if (!xattrs)
		return -ENOMEM;
	writable = (json_t *)object; /* iterating changes nothing */
	json_object_foreach(writable, key, value)
	{
		r = xattr_take(key, value, arena, &xattrs[count++], why);
		if (r < 0)
			return r;
	}
	meta->xattrs = xattrs;
	meta->xattr_count = count;
	return 0;
}

int toc_meta(const struct json_t *entry, struct arena *arena, struct tar_entry *ret,
	     struct diag *why)
{
	struct tar_entry meta = {0};
	uint64_t mode = 0;
	int r = name_take(entry, "name", &meta.name, why);

	if (r == 0)
		r = type_take(entry, &meta.type, why);
	if (r == 0 && (meta.type == TAR_HARD_LINK || meta.type == TAR_SYMLINK))
		r = name_take(entry, "linkName", &meta.target, why);
	/* Some writers have the type of the file in it, too. */
	if (r == 0)
		r = toc_number(entry, "mode", UINT32_MAX, &mode, why);
	meta.mode = (uint32_t)mode & 07777;
	if (r == 0)
		r = number32(entry, "uid", &meta.uid, why);
	if (r == 0)
		r = number32(entry, "gid", &meta.gid, why);
	if (r == 0 && (meta.type == TAR_CHARACTER_DEVICE || meta.type == TAR_BLOCK_DEVICE)) {
		r = number32(entry, "devMajor", &meta.rdev_major, why);
		if (r == 0)
			r = number32(entry, "devMinor", &meta.rdev_minor, why);
	}
	if (r == 0 && meta.type == TAR_REGULAR)
		r = toc_number(entry, "size", INT64_MAX, &meta.size, why);
	if (r == 0)
		r = time_take(entry, &meta, why);
	if (r == 0)
		r = xattrs_take(entry, arena, &meta, why);
	if (r == 0)
		*ret = meta;
	return r;
}
