/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 *   name       = [host [":" port] "/"] component *("/" component)
 *   reference  = name [":" tag] ["@" digest]
 *   component  = alnum *(separator alnum)     alnum = [a-z0-9]+   separator = "." "_" "__" "-"+
 *   host       = label *("." label)           label = [A-Za-z0-9] and "-" inside; or "[" IPv6 "]"
 *   tag        = [A-Za-z0-9_] [A-Za-z0-9_.-]{0,127}
 *
 * Distribution specification 1.1, "Pulling manifests"; the host is that of
 * github.com/distribution/reference, which is what every client takes.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/descriptor.h"
#include "oci/reference_private.h"

#define TAG_SIZE_MAX 128  /* distribution specification */
#define NAME_PART_MAX 255 /* repository, and host: what the specification advises for both */
#define PORT_DIGITS_MAX 5 /* 65535 */
#define DEFAULT_HOST "docker.io"
#define DEFAULT_HOST_OLD "index.docker.io" /* containers-transports(5) and Docker's own client */
#define DEFAULT_FOLDER "library/"

static bool is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static const uint8_t *find(struct span text, int byte)
{
	return text.size ? memchr(text.data, byte, text.size) : NULL;
}

/* What is before the first byte of that kind, and what is after it; false where there is none. */
static bool split(struct span text, int byte, struct span *ret_before, struct span *ret_after)
{
	const uint8_t *place = find(text, byte);

	if (!place)
		return false;
	*ret_before = span_of(text.data, (size_t)(place - text.data));
	*ret_after = span_of(place + 1, text.size - ret_before->size - 1);
	return true;
}

bool oci_tag_is_valid(struct span text)
{
	if (text.size == 0 || text.size > TAG_SIZE_MAX || text.data[0] == '.' ||
	    text.data[0] == '-')
		return false;
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (!is_letter(c) && !is_digit(c) && c != '_' && c != '.' && c != '-')
			return false;
	}
	return true;
}

/* The bytes of a separator at the beginning of text: 0 when there is none, or one that is wrong. */
static size_t separator_size(struct span text)
{
	size_t size = 0;

	while (size < text.size && text.data[size] == text.data[0])
		size++;
	switch (text.data[0]) {
	case '.':
		return size == 1 ? 1 : 0;
	case '_':
		return size <= 2 ? size : 0;
	case '-':
		return size;
	default:
		return 0;
	}
}

/* alnum *(separator alnum): what follows a separator, and what begins, is a letter or a digit. */
static bool component_is_valid(struct span text)
{
	size_t at = 0;

	for (;;) {
		size_t start = at, skip;

		while (at < text.size && (is_lower(text.data[at]) || is_digit(text.data[at])))
			at++;
		if (at == start)
			return false;
		if (at == text.size)
			return true;
		skip = separator_size(span_of(text.data + at, text.size - at));
		if (skip == 0)
			return false;
		at += skip;
	}
}

bool oci_repository_is_valid(struct span text)
{
	struct span component;

	if (text.size > NAME_PART_MAX)
		return false;
	while (split(text, '/', &component, &text)) {
		if (!component_is_valid(component))
			return false;
	}
	return component_is_valid(text);
}

static bool port_is_valid(struct span text)
{
	uint32_t port = 0;

	if (text.size == 0 || text.size > PORT_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (!is_digit(text.data[i]))
			return false;
		port = 10 * port + (uint32_t)(text.data[i] - '0');
	}
	return port > 0 && port <= UINT16_MAX;
}

static bool label_is_valid(struct span text)
{
	if (text.size == 0 || text.data[0] == '-' || text.data[text.size - 1] == '-')
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (!is_letter(text.data[i]) && !is_digit(text.data[i]) && text.data[i] != '-')
			return false;
	}
	return true;
}

/* What is between the brackets; whether it is an address is for the resolver to say. */
static bool ipv6_is_valid(struct span text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F') && c != ':')
			return false;
	}
	return text.size > 0;
}

bool oci_registry_is_valid(struct span text)
{
	struct span host, port, label;

	if (text.size > NAME_PART_MAX)
		return false;
	if (text.size && text.data[0] == '[') {
		if (!split(span_of(text.data + 1, text.size - 1), ']', &host, &port) ||
		    !ipv6_is_valid(host))
			return false;
		return port.size == 0 || (port.data[0] == ':' &&
					  port_is_valid(span_of(port.data + 1, port.size - 1)));
	}
	if (split(text, ':', &host, &port)) {
		if (!port_is_valid(port))
			return false;
		text = host;
	}
	while (split(text, '.', &label, &text)) {
		if (!label_is_valid(label))
			return false;
	}
	return label_is_valid(text);
}

/* As github.com/distribution/reference tells them apart: capitals cannot be in a path. */
bool reference_has_host(struct span text)
{
	struct span first, rest;

	if (!split(text, '/', &first, &rest))
		return false;
	if (find(first, '.') || find(first, ':') || span_equal(first, SPAN_LITERAL("localhost")))
		return true;
	for (size_t i = 0; i < first.size; i++) {
		if (first.data[i] >= 'A' && first.data[i] <= 'Z')
			return true;
	}
	return false;
}

char *reference_copy(struct span text)
{
	char *copy = malloc(text.size + 1);

	if (!copy)
		return NULL;
	if (text.size)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	return copy;
}

static int wrong(struct diag *why, const char *what, struct span text)
{
	return diag_set(why, -EINVAL, "'%.*s' is not a %s", (int)text.size, (const char *)text.data,
			what);
}

/* Sixty-four hex digits are an image id to every client, so they name no repository. */
static bool is_image_id(struct span text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (!is_digit(text.data[i]) && !(text.data[i] >= 'a' && text.data[i] <= 'f'))
			return false;
	}
	return text.size == 2 * digest_size(DIGEST_SHA256);
}

/* Where a host is left out it is docker.io, and there images without a folder are in library/. */
static int repository_set(struct span host, struct span path, struct oci_reference *reference,
			  struct diag *why)
{
	bool is_default = host.size == 0 || span_equal(host, SPAN_LITERAL(DEFAULT_HOST)) ||
			  span_equal(host, SPAN_LITERAL(DEFAULT_HOST_OLD));

	if (!is_default && !oci_registry_is_valid(host))
		return wrong(why, "registry's host", host);
	reference->registry = reference_copy(is_default ? SPAN_LITERAL(DEFAULT_HOST) : host);
	if (!is_default || find(path, '/'))
		reference->repository = reference_copy(path);
	else if (asprintf(&reference->repository, DEFAULT_FOLDER "%.*s", (int)path.size,
			  (const char *)path.data) < 0)
		reference->repository = NULL;
	if (!reference->registry || !reference->repository)
		return -ENOMEM;
	if (path.size == 0 || (host.size == 0 && is_image_id(path)) ||
	    !oci_repository_is_valid(span_of_string(reference->repository)))
		return wrong(why,
			     "repository's name (lower-case letters, digits and single separators)",
			     path);
	return 0;
}

int reference_name_parse(struct span text, struct oci_reference *reference, struct diag *why)
{
	struct span name = text, digest = SPAN_EMPTY, tag = SPAN_EMPTY, host = SPAN_EMPTY, rest;

	if (split(text, '@', &name, &digest) && oci_digest_parse(digest, &reference->digest) < 0)
		return wrong(why, "digest (sha256:HEX or sha512:HEX)", digest);
	if (reference_has_host(name))
		(void)split(name, '/', &host, &name);
	if (split(name, ':', &rest, &tag)) {
		if (!oci_tag_is_valid(tag))
			return wrong(why, "tag", tag);
		name = rest;
		reference->tag = reference_copy(tag);
	} else if (reference->digest.algorithm == DIGEST_NONE) {
		reference->tag = reference_copy(SPAN_LITERAL("latest"));
	}
	if (!reference->tag && reference->digest.algorithm == DIGEST_NONE)
		return -ENOMEM;
	return repository_set(host, name, reference, why);
}
