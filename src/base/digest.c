/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/digest.h"

#include <errno.h>

size_t digest_size(enum digest_algorithm algorithm)
{
	switch (algorithm) {
	case DIGEST_SHA256:
		return 32;
	case DIGEST_SHA512:
		return 64;
	case DIGEST_NONE:
		break;
	}
	return 0;
}

const char *digest_algorithm_name(enum digest_algorithm algorithm)
{
	switch (algorithm) {
	case DIGEST_SHA256:
		return "sha256";
	case DIGEST_SHA512:
		return "sha512";
	case DIGEST_NONE:
		break;
	}
	return "none";
}

enum digest_algorithm digest_algorithm_by_name(struct span name)
{
	if (span_equal(name, SPAN_LITERAL("sha256")))
		return DIGEST_SHA256;
	if (span_equal(name, SPAN_LITERAL("sha512")))
		return DIGEST_SHA512;
	return DIGEST_NONE;
}

enum digest_algorithm digest_algorithm_by_size(size_t size)
{
	if (size == 32)
		return DIGEST_SHA256;
	if (size == 64)
		return DIGEST_SHA512;
	return DIGEST_NONE;
}

struct digest digest_of(enum digest_algorithm algorithm, const void *bytes)
{
	struct digest digest = {.algorithm = (uint8_t)algorithm};

	memcpy(digest.bytes, bytes, digest_size(algorithm));
	return digest;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return a->algorithm == b->algorithm && span_equal(digest_span(a), digest_span(b));
}

void hex_encode(struct span bytes, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.size; i++) {
		*text++ = digits[bytes.data[i] >> 4];
		*text++ = digits[bytes.data[i] & 15];
	}
	*text = '\0';
}

/* The value of a hex digit with bit 4 set; 0 for any other byte. */
static const uint8_t hex_values[256] = {
	['0'] = 0x10, ['1'] = 0x11, ['2'] = 0x12, ['3'] = 0x13, ['4'] = 0x14, ['5'] = 0x15,
	['6'] = 0x16, ['7'] = 0x17, ['8'] = 0x18, ['9'] = 0x19, ['a'] = 0x1a, ['b'] = 0x1b,
	['c'] = 0x1c, ['d'] = 0x1d, ['e'] = 0x1e, ['f'] = 0x1f, ['A'] = 0x1a, ['B'] = 0x1b,
	['C'] = 0x1c, ['D'] = 0x1d, ['E'] = 0x1e, ['F'] = 0x1f,
};

bool hex_decode(struct span text, uint8_t *ret, size_t size)
{
	if (text.size / 2 != size || text.size % 2)
		return false;
	for (size_t i = 0; i < size; i++) {
		uint8_t high = hex_values[text.data[2 * i]];
		uint8_t low = hex_values[text.data[2 * i + 1]];

		if (!(high & low & 0x10))
			return false;
		ret[i] = (uint8_t)(high << 4 | (low & 0xf));
	}
	return true;
}

char *digest_hex(const struct digest *digest, char *text)
{
	hex_encode(digest_span(digest), text);
	return text;
}

char *digest_path(const struct digest *digest, char *text)
{
	struct span bytes = digest_span(digest);

	if (bytes.size == 0) {
		*text = '\0';
		return text;
	}
	hex_encode(span_of(bytes.data, 1), text);
	text[2] = '/';
	hex_encode(span_of(bytes.data + 1, bytes.size - 1), text + 3);
	return text;
}

int digest_parse(struct span text, struct digest *ret)
{
	struct digest digest = {0};
	const uint8_t *colon = text.size ? memchr(text.data, ':', text.size) : NULL;
	enum digest_algorithm named = DIGEST_NONE;

	if (colon) {
		size_t prefix = (size_t)(colon - text.data);

		named = digest_algorithm_by_name(span_of(text.data, prefix));
		if (named == DIGEST_NONE)
			return -EINVAL;
		text = span_of(colon + 1, text.size - prefix - 1);
	}
	digest.algorithm = (uint8_t)digest_algorithm_by_size(text.size / 2);
	if (digest.algorithm == DIGEST_NONE || (named != DIGEST_NONE && named != digest.algorithm))
		return -EINVAL;
	if (!hex_decode(text, digest.bytes, text.size / 2))
		return -EINVAL;
	*ret = digest;
	return 0;
}

int digest_parse_path(struct span path, struct digest *ret)
{
	char hex[DIGEST_HEX_SIZE_MAX], canonical[DIGEST_HEX_SIZE_MAX];
	struct digest digest;
	size_t start = path.size;

	/* The last component and the two digits before it. */
	while (start > 0 && path.data[start - 1] != '/')
		start--;
	if (start < 3 || (start > 3 && path.data[start - 4] != '/') ||
	    path.size - start + 2 >= sizeof(hex))
		return -EINVAL;
	memcpy(hex, path.data + start - 3, 2);
	memcpy(hex + 2, path.data + start, path.size - start);
	hex[path.size - start + 2] = '\0';
	if (digest_parse(span_of(hex, path.size - start + 2), &digest) < 0 ||
	    strcmp(hex, digest_hex(&digest, canonical)) != 0)
		return -EINVAL;
	*ret = digest;
	return 0;
}
