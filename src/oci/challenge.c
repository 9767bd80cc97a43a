/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/challenge.h"

#include <errno.h>
#include <stdbool.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"

void challenge_release(struct challenge *challenge)
{
	int saved = errno;

	free(challenge->realm);
	free(challenge->service);
	free(challenge->scope);
	free(challenge->error);
	*challenge = (struct challenge){0};
	errno = saved;
}

static bool is_token_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void skip(struct span *text, size_t size)
{
	(void)span_from(*text, size, text);
}

static void skip_spaces(struct span *text)
{
	while (text->size && is_space(text->data[0]))
		skip(text, 1);
}

static struct span take_token(struct span *text)
{
	struct span token = *text;

	token.size = 0;
	while (token.size < text->size && is_token_byte(text->data[token.size]))
		token.size++;
	skip(text, token.size);
	return token;
}

/* RFC 9110, 5.6.4. Control characters are refused: what is in here goes into URLs and messages. */
static int take_quoted(struct span *text, struct buf *ret)
{
	skip(text, 1);
	while (text->size && text->data[0] != '"') {
		int r;

		if (text->data[0] == '\\')
			skip(text, 1);
		if (!text->size || text->data[0] < ' ' || text->data[0] == 0x7f)
			return -EUCLEAN;
		r = buf_append_byte(ret, text->data[0]);
		if (r < 0)
			return r;
		skip(text, 1);
	}
	if (!text->size)
		return -EUCLEAN;
	skip(text, 1);
	return 0;
}

/* name = value. Returns 1, 0 where none begins (*text is left alone), or an error. */
static int take_parameter(struct span *text, struct span *ret_name, struct buf *ret_value)
{
	struct span rest = *text, value;
	int r;

	*ret_name = take_token(&rest);
	skip_spaces(&rest);
	if (ret_name->size == 0 || !rest.size || rest.data[0] != '=')
		return 0;
	skip(&rest, 1);
	skip_spaces(&rest);
	if (rest.size && rest.data[0] == '"') {
		r = take_quoted(&rest, ret_value);
	} else {
		value = take_token(&rest);
		if (value.size == 0)
			return 0;
		r = buf_append_span(ret_value, value);
	}
	if (r < 0)
		return r;
	skip_spaces(&rest);
	if (rest.size && rest.data[0] != ',')
		return 0;
	*text = rest;
	return 1;
}

static int parameter_set(struct challenge *challenge, struct span name, struct buf *value)
{
	const struct {
		const char *name;
		char **field;
	} fields[] = {
		{"realm", &challenge->realm},
		{"service", &challenge->service},
		{"scope", &challenge->scope},
		{"error", &challenge->error},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (name.size != strlen(fields[i].name) ||
		    strncasecmp((const char *)name.data, fields[i].name, name.size) != 0)
			continue;
		if (*fields[i].field) /* said twice: whoever reads it may take the other one */
			return -EUCLEAN;
		*fields[i].field =
			value->size ? strndup((const char *)value->data, value->size) : strdup("");
		return *fields[i].field ? 0 : -ENOMEM;
	}
	return 0;
}

/* letters of base64 and what it is padded with, in place of parameters. */
static void skip_token68(struct span *text)
{
	while (text->size &&
	       (is_token_byte(text->data[0]) || text->data[0] == '/' || text->data[0] == '='))
		skip(text, 1);
}

static int parameters_take(struct span *text, struct challenge *challenge)
{
	bool is_first = true;

	for (;;) {
		CLEAN(buf_release) struct buf value = {0};
		struct span rest = *text, name;
		int r;

		while (rest.size && (is_space(rest.data[0]) || (!is_first && rest.data[0] == ',')))
			skip(&rest, 1);
		r = take_parameter(&rest, &name, &value);
		if (r < 0)
			return r;
		if (r == 0) {
			if (is_first)
				skip_token68(&rest);
			*text = is_first ? rest : *text;
			return 0;
		}
		r = parameter_set(challenge, name, &value);
		if (r < 0)
			return r;
		is_first = false;
		*text = rest;
	}
}

/* One challenge with all that belongs to it. */
static int challenge_take(struct span *text, struct span *ret_scheme, struct challenge *ret)
{
	int r;

	*ret_scheme = take_token(text);
	if (ret_scheme->size == 0 ||
	    (text->size && !is_space(text->data[0]) && text->data[0] != ','))
		return -EUCLEAN;
	if (text->size && text->data[0] == ',')
		return 0;
	r = parameters_take(text, ret);
	if (r < 0)
		return r;
	skip_spaces(text);
	return text->size && text->data[0] != ',' ? -EUCLEAN : 0;
}

int challenge_find(struct span value, const char *scheme, struct challenge *ret)
{
	struct span name;

	for (;;) {
		CLEAN(challenge_release) struct challenge challenge = {0};
		int r;

		while (value.size && (is_space(value.data[0]) || value.data[0] == ','))
			skip(&value, 1);
		if (!value.size)
			return -ENOENT;
		r = challenge_take(&value, &name, &challenge);
		if (r < 0)
			return r;
		if (name.size != strlen(scheme) ||
		    strncasecmp((const char *)name.data, scheme, name.size) != 0)
			continue;
		*ret = challenge;
		challenge = (struct challenge){0}; /* handed over */
		return 0;
	}
}
