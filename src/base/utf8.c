/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/utf8.h"

/* RFC 3629, section 4. */
size_t utf8_size(struct span text)
{
	const uint8_t *b = text.data;
	size_t size = b[0] < 0x80 ? 1 : b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;

	if (size == 1)
		return 1;
	if (b[0] < 0xc2 || b[0] > 0xf4 || size > text.size)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
	    (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f))
		return 0;
	return size;
}

bool utf8_is_valid(struct span text)
{
	while (text.size) {
		size_t size = utf8_size(text);

		if (size == 0)
			return false;
		text = span_of(text.data + size, text.size - size);
	}
	return true;
}
