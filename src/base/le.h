/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * le.h - little-endian integers as they lie on disk
 *
 * They are structs of bytes: no alignment, and no arithmetic or comparison by accident. leNN_get()
 * is one load on little-endian machines.
 */
#ifndef LAMINA_BASE_LE_H
#define LAMINA_BASE_LE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

typedef struct {
	uint8_t bytes[2];
} le16;

typedef struct {
	uint8_t bytes[4];
} le32;

typedef struct {
	uint8_t bytes[8];
} le64;

static inline uint16_t le16_get(le16 v)
{
	uint16_t raw;

	memcpy(&raw, v.bytes, sizeof(raw));
	return le16toh(raw);
}

static inline uint32_t le32_get(le32 v)
{
	uint32_t raw;

	memcpy(&raw, v.bytes, sizeof(raw));
	return le32toh(raw);
}

static inline uint64_t le64_get(le64 v)
{
	uint64_t raw;

	memcpy(&raw, v.bytes, sizeof(raw));
	return le64toh(raw);
}

static inline le16 le16_of(uint16_t value)
{
	uint16_t raw = htole16(value);
	le16 v;

	memcpy(v.bytes, &raw, sizeof(raw));
	return v;
}

static inline le32 le32_of(uint32_t value)
{
	uint32_t raw = htole32(value);
	le32 v;

	memcpy(v.bytes, &raw, sizeof(raw));
	return v;
}

static inline le64 le64_of(uint64_t value)
{
	uint64_t raw = htole64(value);
	le64 v;

	memcpy(v.bytes, &raw, sizeof(raw));
	return v;
}

#endif
