/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/toml.h"

#include <errno.h>

#include "base/buf.h"
#include "base/diag.h"

#define ARRAY_DEPTH_MAX 8 /* arrays in arrays */

struct toml {
	struct span rest;
	size_t line;
	struct buf words; /* owned; keys and a string, each with its NUL */
	struct diag *why;
};

static int malformed(struct toml *toml, const char *what)
{
	return diag_set(toml->why, -EUCLEAN, "line %zu: %s", toml->line, what);
}

static int peek(const struct toml *toml)
{
	return toml->rest.size ? toml->rest.data[0] : -1;
}

static void skip(struct toml *toml, size_t size)
{
	for (size_t i = 0; i < size && i < toml->rest.size; i++)
		toml->line += toml->rest.data[i] == '\n';
	(void)span_from(toml->rest, size, &toml->rest);
}

static bool starts_with(const struct toml *toml, const char *text)
{
	return span_starts_with(toml->rest, span_of_string(text));
}

static void skip_blanks(struct toml *toml)
{
	while (peek(toml) == ' ' || peek(toml) == '\t')
		skip(toml, 1);
}

static bool is_control(int c)
{
	return (c < ' ' && c != '\t') || c == 0x7f;
}

/* Blanks and a comment, up to the end of the line or what else is there. */
static int skip_comment(struct toml *toml)
{
	skip_blanks(toml);
	if (peek(toml) != '#')
		return 0;
	while (toml->rest.size && peek(toml) != '\n' && !starts_with(toml, "\r\n")) {
		if (is_control(peek(toml)))
			return malformed(toml, "a control character in a comment");
		skip(toml, 1);
	}
	return 0;
}

static bool skip_newline(struct toml *toml)
{
	size_t size = starts_with(toml, "\r\n") ? 2 : 1;

	if (size == 1 && peek(toml) != '\n')
		return false;
	skip(toml, size);
	return true;
}

static int line_end(struct toml *toml)
{
	int r = skip_comment(toml);

	if (r < 0)
		return r;
	return !toml->rest.size || skip_newline(toml)
		       ? 0
		       : malformed(toml, "something behind what could be read");
}

static int utf8_append(struct toml *toml, uint32_t code)
{
	uint8_t bytes[4];
	size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

	if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return malformed(toml, "an escape that is no character");
	for (size_t i = size - 1; i > 0; i--, code >>= 6)
		bytes[i] = (uint8_t)(0x80 | (code & 0x3f));
	bytes[0] = (uint8_t)(leads[size] | code);
	return buf_append(&toml->words, bytes, size);
}

/* \u1234, \U12345678: behind the letter. */
static int unicode(struct toml *toml, size_t digits)
{
	uint32_t code = 0;

	if (toml->rest.size < digits)
		return malformed(toml, "an escape that ends too early");
	for (size_t i = 0; i < digits; i++) {
		uint8_t c = toml->rest.data[i], low = c | 0x20;

		if (c >= '0' && c <= '9')
			code = code << 4 | (uint32_t)(c - '0');
		else if (low >= 'a' && low <= 'f')
			code = code << 4 | (uint32_t)(low - 'a' + 10);
		else
			return malformed(toml, "an escape that is not hex");
	}
	skip(toml, digits);
	return utf8_append(toml, code);
}

/* Behind the backslash. In a string of several lines it may also hide the end of one. */
static int escape(struct toml *toml, bool is_long)
{
	static const char letters[] = "btnfr\"\\", bytes[] = "\b\t\n\f\r\"\\";
	const char *place;
	int c = peek(toml);

	place = c > 0 ? strchr(letters, c) : NULL;
	if (place) {
		skip(toml, 1);
		return buf_append_byte(&toml->words, (uint8_t)bytes[place - letters]);
	}
	if (c == 'u' || c == 'U') {
		skip(toml, 1);
		return unicode(toml, c == 'u' ? 4 : 8);
	}
	if (is_long) {
		skip_blanks(toml);
		if (!skip_newline(toml))
			return malformed(toml, "an unknown escape");
		do
			skip_blanks(toml);
		while (skip_newline(toml));
		return 0;
	}
	return malformed(toml, "an unknown escape");
}

/* A string of any kind, with its NUL, onto the end of words. */
static int string_take(struct toml *toml)
{
	const char quote = (char)peek(toml);
	char end[4] = {quote, quote, quote, '\0'};
	bool is_long = starts_with(toml, end), is_literal = quote == '\'';
	int r = 0;

	skip(toml, is_long ? 3 : 1);
	end[is_long ? 3 : 1] = '\0';
	if (is_long)
		(void)skip_newline(toml);
	while (r == 0 && !starts_with(toml, end)) {
		int c = peek(toml);

		if (c < 0 || (!is_long && (c == '\n' || c == '\r')))
			return malformed(toml, "a string that does not end");
		if (is_control(c) && !(is_long && (c == '\n' || starts_with(toml, "\r\n"))))
			return malformed(toml, "a control character in a string");
		skip(toml, 1);
		if (c == '\\' && !is_literal)
			r = escape(toml, is_long);
		else
			r = buf_append_byte(&toml->words, (uint8_t)c);
	}
	if (r < 0)
		return r;
	skip(toml, is_long ? 3 : 1);
	/* """a"" """ is a with two quotes: up to two may stand before the end. */
	for (int i = 0; is_long && i < 2 && peek(toml) == quote; i++, skip(toml, 1)) {
		if (buf_append_byte(&toml->words, (uint8_t)quote) < 0)
			return -ENOMEM;
	}
	return buf_append_byte(&toml->words, '\0');
}

static bool is_bare(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static int key_part_take(struct toml *toml)
{
	size_t size = 0;
	int r;

	if (peek(toml) == '"' || peek(toml) == '\'') {
		if (starts_with(toml, "\"\"\"") || starts_with(toml, "'''"))
			return malformed(toml, "a key of several lines");
		return string_take(toml);
	}
	while (size < toml->rest.size && is_bare(toml->rest.data[size]))
		size++;
	if (size == 0)
		return malformed(toml, "a key was expected");
	r = buf_append(&toml->words, toml->rest.data, size);
	skip(toml, size);
	return r < 0 ? r : buf_append_byte(&toml->words, '\0');
}

/* A dotted key: its parts are the first words. Pointers are made when words does not grow any more.
 */
static int key_take(struct toml *toml, size_t offsets[TOML_DEPTH_MAX], size_t *ret_count)
{
	size_t count = 0;
	int r;

	toml->words.size = 0;
	for (;;) {
		if (count == TOML_DEPTH_MAX)
			return malformed(toml, "a key of too many parts");
		offsets[count++] = toml->words.size;
		skip_blanks(toml);
		r = key_part_take(toml);
		if (r < 0)
			return r;
		skip_blanks(toml);
		if (peek(toml) != '.')
			break;
		skip(toml, 1);
	}
	*ret_count = count;
	return 0;
}

static struct toml_key key_of(const struct toml *toml, const size_t *offsets, size_t count)
{
	struct toml_key key = {.count = count};

	for (size_t i = 0; i < count; i++)
		key.parts[i] = (const char *)toml->words.data + offsets[i];
	return key;
}

/* true, false, a number, a date: what may stand there, not what it means. */
static int bare_value_take(struct toml *toml, struct toml_value *ret)
{
	size_t size = 0;
	struct span word;
	int c;

	while (size < toml->rest.size &&
	       (is_bare(c = toml->rest.data[size]) || (c && strchr("+.:", c))))
		size++;
	if (size == 0)
		return malformed(toml, peek(toml) == '{' ? "inline tables are not read here"
							 : "a value was expected");
	word = span_of(toml->rest.data, size);
	skip(toml, size);
	ret->boolean = span_equal(word, SPAN_LITERAL("true"));
	ret->type = TOML_BOOLEAN;
	if (ret->boolean || span_equal(word, SPAN_LITERAL("false")))
		return 0;
	ret->type = TOML_OTHER;
	if (word.data[0] == '+' || word.data[0] == '-')
		(void)span_from(word, 1, &word);
	if ((word.size && word.data[0] >= '0' && word.data[0] <= '9') ||
	    span_equal(word, SPAN_LITERAL("inf")) || span_equal(word, SPAN_LITERAL("nan")))
		return 0;
	return malformed(toml, "a value that is none");
}

/* Blanks, comments and ends of lines, which mean nothing between brackets. */
static int skip_inside(struct toml *toml)
{
	int r;

	do
		r = skip_comment(toml);
	while (r == 0 && skip_newline(toml));
	return r;
}

/* The strings of the array go onto the end of words, each with its NUL; all else is forgotten. */
static int array_take(struct toml *toml)
{
	size_t depth = 0;
	struct toml_value value;
	bool wants_value = true;
	int r;

	do {
		int c;

		r = skip_inside(toml);
		if (r < 0)
			return r;
		c = peek(toml);
		if (c == '[' && wants_value) {
			if (++depth > ARRAY_DEPTH_MAX)
				return malformed(toml, "arrays too deep in each other");
			skip(toml, 1);
		} else if (c == ']') {
			depth--;
			wants_value = false;
			skip(toml, 1);
		} else if (c == ',' && !wants_value) {
			wants_value = true;
			skip(toml, 1);
		} else if (!wants_value) {
			return malformed(toml, "',' or ']' was expected");
		} else {
			r = c == '"' || c == '\'' ? string_take(toml)
						  : bare_value_take(toml, &value);
			wants_value = false;
		}
	} while (r == 0 && depth > 0);
	return r;
}

static int table_take(struct toml *toml, const struct toml_listener *listener)
{
	size_t offsets[TOML_DEPTH_MAX], count;
	bool is_array = starts_with(toml, "[[");
	struct toml_key key;
	int r;

	skip(toml, is_array ? 2 : 1);
	r = key_take(toml, offsets, &count);
	if (r < 0)
		return r;
	if (!starts_with(toml, is_array ? "]]" : "]"))
		return malformed(toml, "']' was expected");
	skip(toml, is_array ? 2 : 1);
	key = key_of(toml, offsets, count);
	r = listener->table(listener->context, &key, is_array, toml->why);
	return r < 0 ? diag_wrap(toml->why, r, "line %zu", toml->line) : 0;
}

static int pair_take(struct toml *toml, const struct toml_listener *listener)
{
	size_t offsets[TOML_DEPTH_MAX], count, start;
	struct toml_value value = {.type = TOML_ARRAY};
	struct toml_key key;
	int r = key_take(toml, offsets, &count);

	if (r < 0)
		return r;
	if (peek(toml) != '=')
		return malformed(toml, "'=' was expected");
	skip(toml, 1);
	skip_blanks(toml);
	start = toml->words.size;
	if (peek(toml) == '"' || peek(toml) == '\'') {
		value.type = TOML_STRING;
		r = string_take(toml);
		value.string = (const char *)toml->words.data + start;
	} else if (peek(toml) == '[') {
		r = array_take(toml);
		value.strings = span_of(toml->words.data + start, toml->words.size - start);
	} else {
		r = bare_value_take(toml, &value);
	}
	if (r < 0)
		return r;
	key = key_of(toml, offsets, count);
	r = listener->value(listener->context, &key, &value, toml->why);
	return r < 0 ? diag_wrap(toml->why, r, "line %zu", toml->line) : 0;
}

int toml_read(struct span text, const struct toml_listener *listener, struct diag *why)
{
	struct toml toml = {.rest = text, .line = 1, .why = why};
	int r = 0;

	while (r == 0 && toml.rest.size) {
		r = skip_comment(&toml);
		if (r == 0 && toml.rest.size && peek(&toml) != '\n' && peek(&toml) != '\r')
			r = peek(&toml) == '[' ? table_take(&toml, listener)
					       : pair_take(&toml, listener);
		if (r == 0)
			r = line_end(&toml);
	}
	buf_release(&toml.words);
	return r;
}
