/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * What registries say, taken for what it is worth.
 */
#include <errno.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/fetch.h"
#include "oci/json.h"
#include "oci/registry_private.h"

char *registry_error_text(struct span body, char *text)
{
	CLEAN(oci_json_releasep) json_t *root = NULL;
	const json_t *first;
	const char *code, *message;
	json_error_t error;

	text[0] = '\0';
	root = json_loadb((const char *)body.data, body.size, JSON_REJECT_DUPLICATES, &error);
	first = json_array_get(json_object_get(root, "errors"), 0);
	code = json_string_value(json_object_get(first, "code"));
	message = json_string_value(json_object_get(first, "message"));
	if (!code && !message)
		return text;
	(void)snprintf(text, REGISTRY_ERROR_TEXT_SIZE, "%s%s%s", code ? code : "",
		       code && message ? ": " : "", message ? message : "");
	for (char *c = text; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	return text;
}

static int error_of(unsigned int status, const char **ret_meaning)
{
	static const struct {
		unsigned int status;
		int err;
		const char *meaning;
	} rows[] = {
		{401, -EACCES, "not without other credentials"},
		{403, -EACCES, "forbidden"},
		{404, -ENOENT, "not found"},
		{410, -ENOENT, "gone"},
		{413, -E2BIG, "too large for the registry"},
		{429, -EBUSY, "too many requests"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].status == status) {
			*ret_meaning = rows[i].meaning;
			return rows[i].err;
		}
	}
	*ret_meaning = NULL;
	return -EIO;
}

int registry_error(struct http_response *response, const char *what, struct diag *why)
{
	CLEAN(buf_release) struct buf body = {0};
	char text[REGISTRY_ERROR_TEXT_SIZE];
	unsigned int status = http_status(response);
	const char *meaning;
	char number[32];
	int err = error_of(status, &meaning);

	/* Without a body that can be read there is still the status. */
	(void)http_read_all(response, REGISTRY_ERROR_SIZE_MAX, &body, NULL);
	(void)registry_error_text(buf_span(&body), text);
	(void)snprintf(number, sizeof(number), "status %u", status);
	return diag_set(why, err, "%s: %s%s%s%s", what, meaning ? meaning : number,
			text[0] ? " (" : "", text, text[0] ? ")" : "");
}

int registry_manifest_check(struct span bytes, struct span said, const struct digest *wanted,
			    struct diag *why)
{
	struct digest digest;
	int r = 0;

	if (wanted)
		r = oci_digest_check(wanted, bytes, why);
	if (r < 0)
		return diag_wrap(why, r, "not the manifest that was asked for");
	if (said.size == 0)
		return 0;
	if (oci_digest_parse(said, &digest) < 0)
		return diag_set(why, -EUCLEAN, "Docker-Content-Digest is no digest");
	r = oci_digest_check(&digest, bytes, why);
	return r < 0 ? diag_wrap(why, r, "not the manifest that the registry says it is") : 0;
}

/* RFC 6838, 4.2: of what a type and a subtype are made; the slash is between them. */
static bool is_type_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$&-^_.+/", c));
}

void registry_media_type(struct span value, char *media_type)
{
	size_t size = 0;

	media_type[0] = '\0';
	while (size < value.size && is_type_byte(value.data[size]))
		size++;
	if (size >= MEDIA_TYPE_SIZE_MAX || (size < value.size && !strchr("; \t", value.data[size])))
		return;
	if (size)
		memcpy(media_type, value.data, size);
	media_type[size] = '\0';
}
