/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * digest.h - the name of a content
 *
 * The algorithm numbers are those of fs-verity (Linux, include/uapi/linux/fsverity.h). Compare
 * digests with digest_equal(), not memcmp on the struct.
 */
#ifndef LAMINA_BASE_DIGEST_H
#define LAMINA_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum digest_algorithm {
	DIGEST_NONE = 0,
	DIGEST_SHA256 = 1,
	DIGEST_SHA512 = 2,
};

#define DIGEST_SIZE_MAX 64
#define DIGEST_HEX_SIZE_MAX (2 * DIGEST_SIZE_MAX + 1) /* with the NUL */
/* "XX/" and the rest of the hex digits, with the NUL. */
#define DIGEST_PATH_SIZE_MAX (DIGEST_HEX_SIZE_MAX + 1)

struct digest {
	uint8_t algorithm; /* enum digest_algorithm; DIGEST_NONE: no digest */
	uint8_t bytes[DIGEST_SIZE_MAX];
};

/* Bytes of a digest: 32, 64, or 0 for what is no algorithm. */
size_t digest_size(enum digest_algorithm algorithm);

/* "sha256", "sha512", or "none". */
const char *digest_algorithm_name(enum digest_algorithm algorithm);

/* DIGEST_NONE for a name that is not known. */
enum digest_algorithm digest_algorithm_by_name(struct span name);

/* The algorithm whose digests have size bytes; DIGEST_NONE when there is none. */
enum digest_algorithm digest_algorithm_by_size(size_t size);

struct digest digest_of(enum digest_algorithm algorithm, const void *bytes);
bool digest_equal(const struct digest *a, const struct digest *b);

static inline struct span digest_span(const struct digest *digest)
{
	return span_of(digest->bytes, digest_size((enum digest_algorithm)digest->algorithm));
}

/* Lower-case hex and a NUL into text[DIGEST_HEX_SIZE_MAX]. Returns text. */
char *digest_hex(const struct digest *digest, char *text);

/* "XX/rest", the place of an object below objects/, into text[DIGEST_PATH_SIZE_MAX]. Returns text.
 */
char *digest_path(const struct digest *digest, char *text);

/*
 * Read a digest of either size from hex digits of any case, optionally behind "sha256:" or
 * "sha512:". Returns 0 or -EINVAL.
 */
int digest_parse(struct span text, struct digest *ret);

/*
 * Read a digest from a path that ends in an object's place, "XX/rest", as digest_path() writes it.
 * Returns 0 or -EINVAL.
 */
int digest_parse_path(struct span path, struct digest *ret);

/* Hex digits of any case to bytes; size is the count of bytes. Returns false unless all of text is
 * hex. */
bool hex_decode(struct span text, uint8_t *ret, size_t size);
void hex_encode(struct span bytes, char *text);

#endif
