/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/json.h"

#include <assert.h>
#include <inttypes.h>
#include <time.h>

#include "base/digest.h"
#include "base/utf8.h"

void json_start(struct json *json, FILE *out)
{
	*json = (struct json){.out = out};
}

static bool json_string(struct json *json, struct span text)
{
	bool exact = true;

	(void)fputc('"', json->out);
	while (text.size) {
		size_t size = utf8_size(text);
		uint8_t byte = text.data[0];

		if (size == 0) {
			(void)fputs("\xef\xbf\xbd", json->out);
			exact = false;
			size = 1;
		} else if (byte == '"' || byte == '\\') {
			(void)fprintf(json->out, "\\%c", byte);
		} else if (byte < 0x20 || byte == 0x7f) {
			(void)fprintf(json->out, "\\u%04x", byte);
		} else {
			(void)fwrite(text.data, 1, size, json->out);
		}
		text = span_of(text.data + size, text.size - size);
	}
	(void)fputc('"', json->out);
	return exact;
}

static void json_key(struct json *json, const char *key)
{
	if (json->has_items[json->depth])
		(void)fputc(',', json->out);
	json->has_items[json->depth] = true;
	if (key) {
		(void)json_string(json, span_of_string(key));
		(void)fputc(':', json->out);
	}
}

void json_open(struct json *json, const char *key, char opener)
{
	json_key(json, key);
	(void)fputc(opener, json->out);
	assert(json->depth < JSON_DEPTH_MAX);
	json->depth++;
	json->has_items[json->depth] = false;
	json->closers[json->depth] = opener == '{' ? '}' : ']';
}

void json_close(struct json *json)
{
	assert(json->depth > 0);
	(void)fputc(json->closers[json->depth], json->out);
	json->depth--;
}

void json_text(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	if (text)
		(void)json_string(json, span_of_string(text));
	else
		(void)fputs("null", json->out);
}

void json_bytes(struct json *json, const char *key, struct span bytes)
{
	bool exact;

	json_key(json, key);
	exact = json_string(json, bytes);
	if (exact || !key)
		return;
	(void)fprintf(json->out, ",\"%s_hex\":\"", key);
	for (size_t i = 0; i < bytes.size; i++)
		(void)fprintf(json->out, "%02x", bytes.data[i]);
	(void)fputc('"', json->out);
}

void json_number(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	(void)fprintf(json->out, "%" PRIu64, number);
}

void json_bool(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	(void)fputs(value ? "true" : "false", json->out);
}

void json_digest(struct json *json, const char *key, const struct digest *digest)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	json_key(json, key);
	(void)fprintf(json->out, "\"%s:%s\"",
		      digest_algorithm_name((enum digest_algorithm)digest->algorithm),
		      digest_hex(digest, hex));
}

void json_raw(struct json *json, const char *key, const char *value)
{
	json_key(json, key);
	(void)fputs(value, json->out);
}

void json_time(struct json *json, const char *key, int64_t seconds, uint32_t nanoseconds)
{
	time_t time = seconds;
	struct tm utc;
	char text[32];

	if (!gmtime_r(&time, &utc) || utc.tm_year < -1900 || utc.tm_year > 9999 - 1900 ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
		json_text(json, key, NULL);
		return;
	}
	json_key(json, key);
	(void)fprintf(json->out, "\"%s.%09" PRIu32 "Z\"", text, nanoseconds % 1000000000);
}

void json_finish(struct json *json)
{
	assert(json->depth == 0);
	(void)fputc('\n', json->out);
}
