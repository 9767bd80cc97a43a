/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A header block (POSIX.1-2017, pax, "ustar Interchange Format"):
 *
 *   offset  size  meaning
 *        0   100  name, NUL-terminated unless it fills the field, as all names
 *      100     8  mode, number
 *      108     8  uid, number
 *      116     8  gid, number
 *      124    12  size of the body in bytes, number
 *      136    12  mtime in seconds, number
 *      148     8  sum of all bytes, these eight counted as spaces, number
 *      156     1  type
 *      157   100  target of a link
 *      257     6  "ustar\0", and "00" behind; GNU tar: "ustar " and " \0"; before POSIX: neither
 *      265    64  names of user and group, not used here
 *      329     8  major number of a device, with either magic
 *      337     8  minor number
 *      345   155  what stands before name and a slash; only with POSIX' magic
 *
 * A number is octal digits with spaces and NULs around; or, with the highest bit of the first byte
 * set, the rest is two's complement, big endian (GNU tar manual, "Basic Tar Format").
 */
#include <errno.h>

#include "base/diag.h"
#include "oci/tar_private.h"

static struct span field(const uint8_t *block, size_t offset, size_t size)
{
	return span_of(block + offset, size);
}

/* Up to the first NUL. */
static struct span text_of(struct span raw)
{
	const uint8_t *end = raw.size ? memchr(raw.data, '\0', raw.size) : NULL;

	return end ? span_of(raw.data, (size_t)(end - raw.data)) : raw;
}

static bool number_of_base256(struct span raw, int64_t *ret)
{
	bool is_negative = raw.data[0] & 0x40;
	uint64_t value = is_negative ? UINT64_MAX : 0;

	for (size_t i = 0; i < raw.size; i++) {
		uint8_t byte = raw.data[i];

		if (i == 0)
			byte = is_negative ? byte | 0x80 : byte & 0x7f;
		/* What is shifted out, and the sign that is left, must say nothing. */
		if ((int64_t)value >> 55 != (is_negative ? -1 : 0))
			return false;
		value = value << 8 | byte;
	}
	*ret = (int64_t)value;
	return true;
}

static bool number_of_octal(struct span raw, int64_t *ret)
{
	int64_t value = 0; /* of 12 digits at most */

	while (raw.size && (raw.data[0] == ' ' || raw.data[0] == '\0'))
		raw = span_of(raw.data + 1, raw.size - 1);
	while (raw.size && (raw.data[raw.size - 1] == ' ' || raw.data[raw.size - 1] == '\0'))
		raw.size--;
	for (size_t i = 0; i < raw.size; i++) {
		if (raw.data[i] < '0' || raw.data[i] > '7')
			return false;
		value = value * 8 + (raw.data[i] - '0');
	}
	*ret = value;
	return true;
}

bool tar_number(struct span raw, int64_t *ret)
{
	return raw.data[0] & 0x80 ? number_of_base256(raw, ret) : number_of_octal(raw, ret);
}

static int number32(struct span raw, const char *what, uint32_t *ret, struct diag *why)
{
	int64_t value;

	if (!tar_number(raw, &value) || value < 0 || value > UINT32_MAX)
		return diag_set(why, -EUCLEAN, "the %s is not a number of 32 bits", what);
	*ret = (uint32_t)value;
	return 0;
}

/* Some old tars summed up signed bytes. */
static int checksum_check(const uint8_t *block, struct diag *why)
{
	int64_t expected, sum = 0, signed_sum = 0;

	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++) {
		uint8_t byte = i >= 148 && i < 156 ? ' ' : block[i];

		sum += byte;
		signed_sum += (int8_t)byte;
	}
	if (!tar_number(field(block, 148, 8), &expected) ||
	    (sum != expected && signed_sum != expected))
		return diag_set(why, -EUCLEAN, "not a header: its checksum is wrong");
	return 0;
}

static struct span name_of(const uint8_t *block, bool is_posix,
			   uint8_t name_space[TAR_USTAR_NAME_MAX])
{
	struct span name = text_of(field(block, 0, 100));
	struct span prefix = is_posix ? text_of(field(block, 345, 155)) : SPAN_EMPTY;

	if (prefix.size == 0)
		return name;
	memcpy(name_space, prefix.data, prefix.size);
	name_space[prefix.size] = '/';
	memcpy(name_space + prefix.size + 1, name.data, name.size);
	return span_of(name_space, prefix.size + 1 + name.size);
}

static int numbers_parse(const uint8_t *block, struct tar_header *header, struct diag *why)
{
	int64_t size;
	int r;

	r = number32(field(block, 100, 8), "mode", &header->mode, why);
	if (r == 0)
		r = number32(field(block, 108, 8), "uid", &header->uid, why);
	if (r == 0)
		r = number32(field(block, 116, 8), "gid", &header->gid, why);
	if (r < 0)
		return r;
	if (!tar_number(field(block, 124, 12), &size) || size < 0)
		return diag_set(why, -EUCLEAN, "the size is not a number");
	header->size = (uint64_t)size;
	if (!tar_number(field(block, 136, 12), &header->mtime_sec))
		return diag_set(why, -EUCLEAN, "the time is not a number");
	return 0;
}

static int device_parse(const uint8_t *block, struct tar_header *header, struct diag *why)
{
	int r = number32(field(block, 329, 8), "major number", &header->rdev_major, why);

	header->has_device = r == 0;
	return r < 0 ? r : number32(field(block, 337, 8), "minor number", &header->rdev_minor, why);
}

int tar_header_parse(const uint8_t *block, uint8_t name_space[TAR_USTAR_NAME_MAX],
		     struct tar_header *ret, struct diag *why)
{
	static const uint8_t zeros[TAR_BLOCK_SIZE];
	struct tar_header header = {.type = (char)block[156]};
	struct span magic = field(block, 257, 8);
	bool is_posix = span_starts_with(magic, SPAN_LITERAL("ustar\0"));
	bool is_gnu = span_equal(magic, SPAN_LITERAL("ustar  \0"));
	bool is_device = header.type == TAR_CHARACTER_DEVICE || header.type == TAR_BLOCK_DEVICE;
	int r;

	if (memcmp(block, zeros, TAR_BLOCK_SIZE) == 0) {
		*ret = (struct tar_header){.is_zero = true};
		return 0;
	}
	r = checksum_check(block, why);
	if (r == 0)
		r = numbers_parse(block, &header, why);
	if (r == 0 && is_device && (is_posix || is_gnu))
		r = device_parse(block, &header, why);
	if (r < 0)
		return r;
	header.is_gnu = is_gnu;
	header.name = name_of(block, is_posix, name_space);
	header.target = text_of(field(block, 157, 100));
	*ret = header;
	return 0;
}

int tar_type_of(const struct tar_header *header, struct span name, enum tar_type *ret,
		struct diag *why)
{
	switch (header->type) {
	case '\0':
		*ret = name.data[name.size - 1] == '/' ? TAR_DIRECTORY : TAR_REGULAR;
		return 0;
	case '7': /* contiguous; the same to everybody */
		*ret = TAR_REGULAR;
		return 0;
	case TAR_CHARACTER_DEVICE:
	case TAR_BLOCK_DEVICE:
		if (!header->has_device)
			return diag_set(why, -EUCLEAN, "a device without numbers");
		break;
	case TAR_REGULAR:
	case TAR_HARD_LINK:
	case TAR_SYMLINK:
	case TAR_DIRECTORY:
	case TAR_FIFO:
		break;
	case 'S':
		if (!header->is_gnu)
			return diag_set(why, -EOPNOTSUPP, "an unknown kind of sparse file");
		*ret = TAR_REGULAR;
		return 0;
	default:
		return diag_set(why, -EOPNOTSUPP, "an entry of the unknown type %#x",
				(unsigned int)(uint8_t)header->type);
	}
	*ret = (enum tar_type)header->type;
	return 0;
}
