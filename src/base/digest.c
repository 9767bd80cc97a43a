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

static int hex_value(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

bool hex_decode(struct span text, uint8_t *ret, size_t size)
{
	if (text.size / 2 != size || text.size % 2)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(text.data[2 * i]), low = hex_value(text.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
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
