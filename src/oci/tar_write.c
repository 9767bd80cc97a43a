/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The fields are those of tar_header.c. A number that does not fit is 0 there, and a name is cut:
 * the pax header says what counts.
 */
#include "oci/tar_write.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "tree/tree.h"

#define NAME_SIZE 100
#define PREFIX_SIZE 155
#define OCTAL7_MAX 07777777ULL
#define OCTAL11_MAX 077777777777ULL

/* What a pax header is called in its own header block; who knows pax does not look at it. */
#define PAX_NAME "././@PaxHeader"

struct tar_writer {
	tar_sink *sink;
	void *context;
	struct buf pax;
	uint64_t offset;
	uint64_t body_left;
};

int tar_writer_new(tar_sink *sink, void *context, struct tar_writer **ret)
{
	struct tar_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	writer->sink = sink;
	writer->context = context;
	*ret = writer;
	return 0;
}

void tar_writer_free(struct tar_writer *writer)
{
	if (writer)
		buf_release(&writer->pax);
	free(writer);
}

void tar_writer_freep(struct tar_writer **writer)
{
	tar_writer_free(*writer);
	*writer = NULL;
}

uint64_t tar_write_offset(const struct tar_writer *writer)
{
	return writer->offset;
}

static int give(struct tar_writer *writer, struct span bytes, struct diag *why)
{
	if (bytes.size == 0)
		return 0;
	writer->offset += bytes.size;
	return writer->sink(writer->context, bytes, why);
}

/* Zeros up to a whole block. */
static int pad(struct tar_writer *writer, struct diag *why)
{
	static const uint8_t zeros[TAR_BLOCK_SIZE];

	assert(writer->body_left == 0);
	return give(writer, span_of(zeros, (size_t)(-writer->offset % TAR_BLOCK_SIZE)), why);
}

/* The pax header */

/* "<size> <key>=<value>\n"; the size counts its own digits. */
static int record_add(struct buf *pax, const char *key, struct span tail, struct span value)
{
	size_t rest = strlen(key) + tail.size + value.size + 3, size = rest + 1, digits = 1;
	int r;

	for (size_t bound = 10; size >= bound; bound *= 10) {
		digits++;
		size = rest + digits;
	}
	r = buf_printf(pax, "%zu %s", size, key);
	if (r == 0)
		r = buf_append_span(pax, tail);
	if (r == 0)
		r = buf_append_byte(pax, '=');
	if (r == 0)
		r = buf_append_span(pax, value);
	return r < 0 ? r : buf_append_byte(pax, '\n');
}

static int text_add(struct buf *pax, const char *key, struct span value)
{
	int r = 0;

	if (!utf8_is_valid(value))
		r = record_add(pax, "hdrcharset", SPAN_EMPTY, SPAN_LITERAL("BINARY"));
	return r < 0 ? r : record_add(pax, key, SPAN_EMPTY, value);
}

static int number_add(struct buf *pax, const char *key, uint64_t value, uint64_t max)
{
	char text[24];

	if (value <= max)
		return 0;
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return record_add(pax, key, SPAN_EMPTY, span_of_string(text));
}

static bool has_octal_time(const struct tar_entry *entry)
{
	return entry->mtime_sec >= 0 && (uint64_t)entry->mtime_sec <= OCTAL11_MAX;
}

/* Seconds and their parts, without zeros at the end; -13 s and 655,000,000 ns are "-12.345". */
static int time_add(struct buf *pax, const struct tar_entry *entry)
{
	bool is_negative = entry->mtime_sec < 0;
	int64_t sec = entry->mtime_sec;
	uint32_t nsec = entry->mtime_nsec;
	char text[40];
	size_t size;

	if (has_octal_time(entry) && nsec == 0)
		return 0;
	if (is_negative && nsec) {
		sec++;
		nsec = 1000000000 - nsec;
	}
	size = (size_t)snprintf(text, sizeof(text), "%s%lld.%09u", is_negative ? "-" : "",
				(long long)(is_negative ? -sec : sec), nsec);
	while (text[size - 1] == '0')
		size--;
	size -= text[size - 1] == '.';
	return record_add(pax, "mtime", SPAN_EMPTY, span_of(text, size));
}

static int xattrs_add(struct buf *pax, const struct tar_entry *entry, struct diag *why)
{
	for (size_t i = 0; i < entry->xattr_count; i++) {
		const struct xattr *xattr = &entry->xattrs[i];
		int r;

		if (memchr(xattr->key.data, '=', xattr->key.size))
			return diag_set(why, -EINVAL, "no archive can hold the xattr '%.*s'",
					(int)xattr->key.size, (const char *)xattr->key.data);
		r = record_add(pax, "SCHILY.xattr.", xattr->key, xattr->value);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Where a name of more than NAME_SIZE is cut in two: the offset of a slash, with up to PREFIX_SIZE
 * bytes before and 1 to NAME_SIZE behind it. 0: nowhere.
 */
static size_t name_split(struct span name)
{
	size_t first = name.size - NAME_SIZE - 1;

	for (size_t at = first ? first : 1; at <= PREFIX_SIZE && at + 1 < name.size; at++) {
		if (name.data[at] == '/')
			return at;
	}
	return 0;
}

static bool name_fits(struct span name)
{
	return name.size <= NAME_SIZE || name_split(name) > 0;
}

static int pax_make(struct tar_writer *writer, const struct tar_entry *entry, struct diag *why)
{
	struct buf *pax = &writer->pax;
	int r = 0;

	pax->size = 0;
	if (!name_fits(entry->name))
		r = text_add(pax, "path", entry->name);
	if (r == 0 && entry->target.size > NAME_SIZE)
		r = text_add(pax, "linkpath", entry->target);
	if (r == 0)
		r = number_add(pax, "size", entry->size, OCTAL11_MAX);
	if (r == 0)
		r = number_add(pax, "uid", entry->uid, OCTAL7_MAX);
	if (r == 0)
		r = number_add(pax, "gid", entry->gid, OCTAL7_MAX);
	if (r == 0)
		r = time_add(pax, entry);
	if (r == 0)
		r = xattrs_add(pax, entry, why);
	if (r == 0 && pax->size > TAR_EXTENSION_SIZE_MAX)
		r = diag_set(why, -E2BIG, "xattrs and names of %zu bytes, a header can have %d",
			     pax->size, TAR_EXTENSION_SIZE_MAX);
	return r;
}

/* Header blocks */

static void octal_put(uint8_t *field, size_t size, uint64_t value, uint64_t max)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%0*llo", (int)size - 1,
		       (unsigned long long)(value <= max ? value : 0));
	memcpy(field, text, size - 1);
}

static void name_put(uint8_t *block, struct span name)
{
	size_t split = name.size > NAME_SIZE ? name_split(name) : 0;
	struct span rest = name;

	if (split) {
		memcpy(block + 345, name.data, split);
		rest = span_of(name.data + split + 1, name.size - split - 1);
	}
	memcpy(block, rest.data, rest.size < NAME_SIZE ? rest.size : NAME_SIZE);
}

static void checksum_put(uint8_t *block)
{
	unsigned int sum = 0;
	char text[8];

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
		sum += block[i];
	(void)snprintf(text, sizeof(text), "%06o", sum);
	memcpy(block + 148, text, 7); /* with the NUL; a space is behind it */
}

static int block_give(struct tar_writer *writer, const struct tar_entry *entry, char type,
		      struct diag *why)
{
	uint8_t block[TAR_BLOCK_SIZE] = {0};

	name_put(block, entry->name);
	octal_put(block + 100, 8, entry->mode & 07777, OCTAL7_MAX);
	octal_put(block + 108, 8, entry->uid, OCTAL7_MAX);
	octal_put(block + 116, 8, entry->gid, OCTAL7_MAX);
	octal_put(block + 124, 12, entry->size, OCTAL11_MAX);
	octal_put(block + 136, 12, has_octal_time(entry) ? (uint64_t)entry->mtime_sec : 0,
		  OCTAL11_MAX);
	block[156] = (uint8_t)type;
	if (entry->target.size)
		memcpy(block + 157, entry->target.data,
		       entry->target.size < NAME_SIZE ? entry->target.size : NAME_SIZE);
	memcpy(block + 257, "ustar\00000", 8);
	octal_put(block + 329, 8, entry->rdev_major, OCTAL7_MAX);
	octal_put(block + 337, 8, entry->rdev_minor, OCTAL7_MAX);
	checksum_put(block);
	return give(writer, span_of(block, sizeof(block)), why);
}

static int pax_give(struct tar_writer *writer, struct diag *why)
{
	const struct tar_entry header = {
		.mode = 0644,
		.size = writer->pax.size,
		.name = SPAN_LITERAL(PAX_NAME),
	};
	int r;

	r = block_give(writer, &header, 'x', why);
	if (r == 0)
		r = give(writer, buf_span(&writer->pax), why);
	return r < 0 ? r : pad(writer, why);
}

static bool name_is_valid(struct span name)
{
	return name.size > 0 && !memchr(name.data, '\0', name.size);
}

static int entry_check(const struct tar_entry *entry, struct diag *why)
{
	bool is_link = entry->type == TAR_HARD_LINK || entry->type == TAR_SYMLINK;

	if (!name_is_valid(entry->name) || (is_link && !name_is_valid(entry->target)))
		return diag_set(why, -EINVAL, "no archive can hold an empty name, or NUL in one");
	if (entry->rdev_major > OCTAL7_MAX || entry->rdev_minor > OCTAL7_MAX)
		return diag_set(why, -EINVAL, "no archive can hold a device %u:%u",
				entry->rdev_major, entry->rdev_minor);
	if (entry->mtime_sec == INT64_MIN || entry->mtime_nsec >= 1000000000)
		return diag_set(why, -EINVAL, "no archive can hold such a time");
	if (entry->size > INT64_MAX)
		return diag_set(why, -EINVAL, "no archive can hold so large a file");
	assert(entry->size == 0 || entry->type == TAR_REGULAR);
	return 0;
}

int tar_write_entry(struct tar_writer *writer, const struct tar_entry *entry, struct diag *why)
{
	int r;

	r = pad(writer, why);
	if (r == 0)
		r = entry_check(entry, why);
	if (r == 0)
		r = pax_make(writer, entry, why);
	if (r == 0 && writer->pax.size)
		r = pax_give(writer, why);
	if (r == 0)
		r = block_give(writer, entry, (char)entry->type, why);
	writer->body_left = r < 0 ? 0 : entry->size;
	return r;
}

int tar_write_body(struct tar_writer *writer, struct span bytes, struct diag *why)
{
	assert(bytes.size <= writer->body_left);
	writer->body_left -= bytes.size;
	return give(writer, bytes, why);
}

void tar_write_body_elsewhere(struct tar_writer *writer)
{
	writer->offset += writer->body_left;
	writer->body_left = 0;
}

int tar_write_end(struct tar_writer *writer, struct diag *why)
{
	static const uint8_t zeros[2 * TAR_BLOCK_SIZE];
	int r = pad(writer, why);

	return r < 0 ? r : give(writer, span_of(zeros, sizeof(zeros)), why);
}
