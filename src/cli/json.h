/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * json.h - JSON as it is printed, without a document in memory
 *
 * A listing of a million files is written entry by entry. Strings are UTF-8: bytes that are not
 * become U+FFFD, and json_bytes() adds the exact bytes as "<key>_hex" beside them.
 */
#ifndef LAMINA_CLI_JSON_H
#define LAMINA_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/span.h"

struct digest; /* base/digest.h */

#define JSON_DEPTH_MAX 8

struct json {
	FILE *out;
	unsigned int depth;
	bool has_items[JSON_DEPTH_MAX + 1];
	char closers[JSON_DEPTH_MAX + 1];
};

void json_start(struct json *json, FILE *out);

/* opener is '{' or '['; key is NULL in an array and at the top. */
void json_open(struct json *json, const char *key, char opener);
void json_close(struct json *json);

void json_text(struct json *json, const char *key, const char *text); /* NULL prints null */
void json_bytes(struct json *json, const char *key, struct span bytes);
void json_number(struct json *json, const char *key, uint64_t number);
void json_bool(struct json *json, const char *key, bool value);
void json_digest(struct json *json, const char *key, const struct digest *digest);

/* A value that is JSON already, on one line. */
void json_raw(struct json *json, const char *key, const char *value);

/* RFC 3339 in UTC with nanoseconds; null for a year that has not four digits. */
void json_time(struct json *json, const char *key, int64_t seconds, uint32_t nanoseconds);

/* End the line. */
void json_finish(struct json *json);

#endif
