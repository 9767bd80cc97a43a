/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * span.h - bytes somebody else owns, with their end
 *
 * A pointer into foreign input exists only as a span. Cutting compares without adding, so no sum of
 * hostile offsets can wrap. A span never owns its bytes.
 */
#ifndef LAMINA_BASE_SPAN_H
#define LAMINA_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *data;
	size_t size; /* bytes */
};

#define SPAN_EMPTY ((struct span){NULL, 0})

static inline struct span span_of(const void *data, size_t size)
{
	return (struct span){data, size};
}

static inline struct span span_of_string(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

/* A string literal as a span, without its NUL. */
#define SPAN_LITERAL(text) ((struct span){(const uint8_t *)(text), sizeof(text) - 1})

/* The part [offset, offset + size) of s; false, and *ret left alone, when it is not all there. */
static inline bool span_cut(struct span s, uint64_t offset, uint64_t size, struct span *ret)
{
	if (offset > s.size || size > s.size - offset)
		return false;
	*ret = (struct span){s.data + offset, (size_t)size};
	return true;
}

/* All of s from offset on. */
static inline bool span_from(struct span s, uint64_t offset, struct span *ret)
{
	if (offset > s.size)
		return false;
	*ret = (struct span){s.data + offset, s.size - (size_t)offset};
	return true;
}

static inline const void *span_bytes_at(struct span s, uint64_t offset, size_t size)
{
	struct span part;

	return span_cut(s, offset, size, &part) ? part.data : NULL;
}

/*
 * A typed view of the bytes at offset, or NULL when the span ends before the type does. Only types
 * made of bytes (base/le.h) qualify: one with alignment is refused at compile time.
 */
#define span_at(s, offset, type) ((const type *)span_bytes_at((s), (offset), SPAN_SIZE_OF(type)))
#define SPAN_SIZE_OF(type) (sizeof(type) * sizeof(char[_Alignof(type) == 1 ? 1 : -1]))

static inline bool span_equal(struct span a, struct span b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Unsigned byte order; a prefix sorts before what it begins. The order of strcmp on names. */
static inline int span_compare(struct span a, struct span b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common ? memcmp(a.data, b.data, common) : 0;

	if (order)
		return order;
	return (a.size > b.size) - (a.size < b.size);
}

static inline bool span_starts_with(struct span s, struct span prefix)
{
	return s.size >= prefix.size &&
	       (prefix.size == 0 || memcmp(s.data, prefix.data, prefix.size) == 0);
}

#endif
