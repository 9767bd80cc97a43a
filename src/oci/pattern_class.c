/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pattern_class.c - what stands for one byte in a pattern: escapes, and classes in brackets
 *
 * The rules are those of regex-syntax 0.8 with Unicode off.
 */
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/digest.h"
#include "oci/patterns_private.h"

struct byte_set pattern_dot(void)
{
	struct byte_set set = {0};

	byte_set_add(&set, 1, 255);
	return set;
}

static void set_join(struct byte_set *set, const struct byte_set *more)
{
	for (size_t i = 0; i < 4; i++)
		set->bits[i] |= more->bits[i];
}

static void set_invert(struct byte_set *set)
{
	for (size_t i = 0; i < 4; i++)
		set->bits[i] = ~set->bits[i];
}

/* Pairs of first and last byte. */
static struct byte_set set_of(const char *ranges)
{
	struct byte_set set = {0};

	for (; *ranges; ranges += 2)
		byte_set_add(&set, (unsigned char)ranges[0], (unsigned char)ranges[1]);
	return set;
}

/* \d, \s, \w, and the same in capitals for all other bytes. */
static bool escape_kind(uint8_t letter, struct byte_set *ret)
{
	switch (letter | 0x20) {
	case 'd':
		*ret = set_of("09");
		break;
	case 's':
		*ret = set_of("\t\r  ");
		break;
	case 'w':
		*ret = set_of("09AZaz__");
		break;
	default:
		return false;
	}
	if (!(letter & 0x20))
		set_invert(ret);
	return true;
}

static int escape_hex(struct pattern_text *text, uint8_t *ret)
{
	struct span digits;

	if (!span_cut(text->regex, text->at, 2, &digits) || !hex_decode(digits, ret, 1))
		return diag_set(text->why, -EUCLEAN, "\\x without two hex digits");
	text->at += 2;
	return 0;
}

static bool byte_is_alphanumeric(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

int pattern_escape(struct pattern_text *text, struct byte_set *ret)
{
	static const char letters[] = "afnrtv", controls[] = "\a\f\n\r\t\v";
	struct byte_set set = {0};
	const char *letter;
	uint8_t byte;
	int r;

	if (text->at == text->regex.size)
		return diag_set(text->why, -EUCLEAN, "a backslash at the end");
	byte = text->regex.data[text->at++];
	if (escape_kind(byte, ret))
		return 0;
	letter = byte ? strchr(letters, byte) : NULL;
	if (byte == 'x') {
		r = escape_hex(text, &byte);
		if (r < 0)
			return r;
	} else if (letter) {
		byte = (uint8_t)controls[letter - letters];
	} else if (byte < 0x20 || byte > 0x7e || byte == '<' || byte == '>' ||
		   byte_is_alphanumeric(byte)) {
		return diag_set(text->why, -EOPNOTSUPP, "the escape \\%c",
				byte > 0x20 && byte <= 0x7e ? byte : '?');
	}
	byte_set_add(&set, byte, byte);
	*ret = set;
	return 0;
}

/* "[:name:]" or "[:^name:]", behind its '['. */
static int class_named(struct pattern_text *text, struct byte_set *ret)
{
	static const struct {
		struct span name;
		const char *ranges;
	} classes[] = {
		{SPAN_LITERAL("alnum"), "09AZaz"},  {SPAN_LITERAL("alpha"), "AZaz"},
		{SPAN_LITERAL("blank"), "\t\t  "},  {SPAN_LITERAL("digit"), "09"},
		{SPAN_LITERAL("graph"), "!~"},      {SPAN_LITERAL("lower"), "az"},
		{SPAN_LITERAL("print"), " ~"},      {SPAN_LITERAL("punct"), "!/:@[`{~"},
		{SPAN_LITERAL("space"), "\t\r  "},  {SPAN_LITERAL("upper"), "AZ"},
		{SPAN_LITERAL("word"), "09AZaz__"}, {SPAN_LITERAL("xdigit"), "09AFaf"},
	};
	struct span rest = SPAN_EMPTY, name;
	bool inverts;
	const uint8_t *end;

	(void)span_from(text->regex, text->at, &rest);
	end = memmem(rest.data, rest.size, ":]", 2);
	if (!span_starts_with(rest, SPAN_LITERAL(":")) || !end || end == rest.data)
		return diag_set(text->why, -EOPNOTSUPP, "a class within a class");
	name = span_of(rest.data + 1, (size_t)(end - rest.data) - 1);
	inverts = span_starts_with(name, SPAN_LITERAL("^"));
	if (inverts)
		(void)span_from(name, 1, &name);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (!span_equal(name, classes[i].name))
			continue;
		*ret = set_of(classes[i].ranges);
		if (inverts)
			set_invert(ret);
		text->at += (size_t)(end - rest.data) + 2;
		return 0;
	}
	return diag_set(text->why, -EUCLEAN, "a class of a name that there is not");
}

/* One byte, or a whole set where there cannot be a range. */
static int class_item(struct pattern_text *text, struct byte_set *ret, uint8_t *ret_byte)
{
	uint8_t byte = text->regex.data[text->at++];
	struct byte_set set = {0};
	int r = 0;

	if (byte == '[') {
		r = class_named(text, ret);
		return r < 0 ? r : 1;
	}
	if (byte >= 0x80)
		return diag_set(text->why, -EOPNOTSUPP, "a character beyond ASCII in a class");
	if (byte == '\\') {
		r = pattern_escape(text, &set);
		for (unsigned int i = 0; r == 0 && i < 256; i++)
			byte = byte_set_has(&set, (uint8_t)i) ? (uint8_t)i : byte;
	} else {
		byte_set_add(&set, byte, byte);
	}
	*ret = set;
	*ret_byte = byte;
	return r;
}

static bool set_is_one(const struct byte_set *set)
{
	int count = 0;

	for (size_t i = 0; i < 4; i++)
		count += __builtin_popcountll(set->bits[i]);
	return count == 1;
}

static bool class_has(const struct pattern_text *text, size_t ahead, const char *bytes)
{
	return text->at + ahead < text->regex.size && text->regex.data[text->at + ahead] &&
	       strchr(bytes, text->regex.data[text->at + ahead]);
}

/* "a-z" as well as "a". A '-' that is not between two is itself. */
static int class_range(struct pattern_text *text, struct byte_set *set)
{
	struct byte_set first, last;
	uint8_t from = 0, to = 0;
	int r;

	if (class_has(text, 0, "&-~") && class_has(text, 1, "&-~") &&
	    text->regex.data[text->at] == text->regex.data[text->at + 1])
		return diag_set(text->why, -EOPNOTSUPP, "operations on classes");
	r = class_item(text, &first, &from);
	if (r < 0)
		return r;
	if (!class_has(text, 0, "-") || class_has(text, 1, "]-") ||
	    text->at + 1 == text->regex.size) {
		set_join(set, &first);
		return 0;
	}
	text->at++;
	if (r == 0)
		r = class_item(text, &last, &to);
	if (r < 0)
		return r;
	if (r == 1 || !set_is_one(&first) || !set_is_one(&last) || from > to)
		return diag_set(text->why, -EUCLEAN, "a range that is none");
	byte_set_add(set, from, to);
	return 0;
}

int pattern_class(struct pattern_text *text, struct byte_set *ret)
{
	struct byte_set set = {0};
	bool inverts = class_has(text, 0, "^"), is_first = true;

	text->at += inverts;
	while (text->at < text->regex.size) {
		int r;

		if (!is_first && text->regex.data[text->at] == ']') {
			text->at++;
			if (inverts)
				set_invert(&set);
			*ret = set;
			return 0;
		}
		is_first = false;
		r = class_range(text, &set);
		if (r < 0)
			return r;
	}
	return diag_set(text->why, -EUCLEAN, "a class without an end");
}
