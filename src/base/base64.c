/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/base64.h"

#include <errno.h>

#include "base/buf.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct span bytes, struct buf *ret)
{
	size_t before = ret->size;
	int r = 0;

	for (size_t at = 0; r == 0 && at < bytes.size; at += 3) {
		size_t left = bytes.size - at;
		uint32_t group = (uint32_t)bytes.data[at] << 16;
		char text[4];

		group |= left > 1 ? (uint32_t)bytes.data[at + 1] << 8 : 0;
		group |= left > 2 ? bytes.data[at + 2] : 0;
		text[0] = letters[group >> 18];
		text[1] = letters[group >> 12 & 63];
		text[2] = '=';
		text[3] = '=';
		if (left > 1)
			text[2] = letters[group >> 6 & 63];
		if (left > 2)
			text[3] = letters[group & 63];
		r = buf_append(ret, text, sizeof(text));
	}
	if (r < 0)
		ret->size = before;
	return r;
}

static int value_of(uint8_t letter)
{
	const char *place = letter ? strchr(letters, letter) : NULL;

	return place ? (int)(place - letters) : -1;
}

static struct span without_padding(struct span text)
{
	if (text.size % 4 != 0)
		return text;
	for (int i = 0; i < 2 && text.size && text.data[text.size - 1] == '='; i++)
		text.size--;
	return text;
}

int base64_decode(struct span text, struct buf *ret)
{
	size_t before = ret->size;
	uint32_t bits = 0;
	unsigned int count = 0; /* of bits that wait */
	int r = 0;

	text = without_padding(text);
	for (size_t i = 0; r == 0 && i < text.size; i++) {
		int value = value_of(text.data[i]);

		if (value < 0)
			r = -EUCLEAN;
		bits = (bits << 6 | (uint32_t)(value & 63)) & 0xffff;
		count += 6;
		if (r == 0 && count >= 8) {
			count -= 8;
			r = buf_append_byte(ret, (uint8_t)(bits >> count));
		}
	}
	if (r == 0 && (count >= 6 || (bits & ((1U << count) - 1)) != 0))
		r = -EUCLEAN;
	if (r < 0)
		ret->size = before;
	return r;
}
