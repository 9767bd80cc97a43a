/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * tar_of.h - tar archives, made a header at a time
 */
#ifndef LAMINA_TESTS_TAR_OF_H
#define LAMINA_TESTS_TAR_OF_H

#include "base/buf.h"
#include "base/span.h"

enum tar_magic { TAR_MAGIC_POSIX, TAR_MAGIC_GNU, TAR_MAGIC_NONE };

struct tar_member {
	const char *name;
	char type;
	unsigned int mode;
	unsigned int uid, gid;
	unsigned long long mtime;
	const char *target;
	unsigned int major, minor;
	const char *prefix;
	enum tar_magic magic;
	unsigned long long size; /* of the header; body.size unless has_size */
	bool has_size;
	struct span body;
};

static inline void tar_checksum(uint8_t *block)
{
	unsigned int sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += block[i];
	(void)snprintf((char *)block + 148, 8, "%06o", sum);
}

static inline void tar_text(uint8_t *field, size_t size, const char *text)
{
	if (text)
		memcpy(field, text, strlen(text) < size ? strlen(text) : size);
}

static inline void tar_octal(uint8_t *field, size_t size, unsigned long long value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%0*llo", (int)size - 1, value);
	memcpy(field, text, size - 1);
}

static inline void tar_block(uint8_t block[512], const struct tar_member *member)
{
	memset(block, 0, 512);
	tar_text(block, 100, member->name);
	tar_octal(block + 100, 8, member->mode);
	tar_octal(block + 108, 8, member->uid);
	tar_octal(block + 116, 8, member->gid);
	tar_octal(block + 124, 12, member->has_size ? member->size : member->body.size);
	tar_octal(block + 136, 12, member->mtime);
	block[156] = (uint8_t)member->type;
	tar_text(block + 157, 100, member->target);
	if (member->magic != TAR_MAGIC_NONE) {
		memcpy(block + 257,
		       member->magic == TAR_MAGIC_GNU ? "ustar  \0"
						      : "ustar\0"
							"00",
		       8);
		tar_octal(block + 329, 8, member->major);
		tar_octal(block + 337, 8, member->minor);
	}
	tar_text(block + 345, 155, member->prefix);
	tar_checksum(block);
}

static inline void tar_pad(struct buf *tar)
{
	assert_int_equal(0, buf_append_zeros(tar, -tar->size % 512));
}

static inline void tar_put(struct buf *tar, const struct tar_member *member)
{
	uint8_t block[512];

	tar_block(block, member);
	assert_int_equal(0, buf_append(tar, block, sizeof(block)));
	assert_int_equal(0, buf_append_span(tar, member->body));
	tar_pad(tar);
}

#define TAR_PUT(tar, ...) tar_put(tar, &(const struct tar_member){__VA_ARGS__})

static inline void tar_file(struct buf *tar, const char *name, struct span body)
{
	TAR_PUT(tar, .name = name, .type = '0', .mode = 0644, .body = body);
}

static inline void tar_dir(struct buf *tar, const char *name)
{
	TAR_PUT(tar, .name = name, .type = '5', .mode = 0755);
}

/* One record at the end of records. */
static inline void pax_record(struct buf *records, const char *key, struct span value)
{
	size_t size = strlen(key) + value.size + 3, digits = 1;
	char text[32];

	while (true) { /* the size counts its own digits */
		(void)snprintf(text, sizeof(text), "%zu", size + digits);
		if (strlen(text) == digits)
			break;
		digits = strlen(text);
	}
	assert_int_equal(0, buf_printf(records, "%s %s=", text, key));
	assert_int_equal(0, buf_append_span(records, value));
	assert_int_equal(0, buf_append_byte(records, '\n'));
}

/* A pax header of records, which are emptied. */
static inline void tar_pax(struct buf *tar, struct buf *records)
{
	TAR_PUT(tar, .name = "PaxHeaders/x", .type = 'x', .body = buf_span(records));
	records->size = 0;
}

static inline void tar_end(struct buf *tar)
{
	assert_int_equal(0, buf_append_zeros(tar, 1024));
}

#endif
