/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * inspected.h - what the commands that tell of a pulled image share
 */
#ifndef LAMINA_CLI_INSPECTED_H
#define LAMINA_CLI_INSPECTED_H

#include <stdio.h>

#include "cli/json.h"

struct digest;    /* base/digest.h */
struct inspected; /* ops/inspect.h */

/*
 * Look at the image text of repository repo (NULL: the usual one). Returns 0, or the exit status
 * after a line on stderr; the image is the caller's.
 */
int inspected_open(const char *repo, const char *text, struct inspected **ret);

/* A digest, or null where there is none. */
void inspected_json_digest(struct json *json, const char *key, const struct digest *digest);

/* Bytes for people: "12.3 MB". Returns text. */
#define SIZE_TEXT_MAX 32
char *size_text(uint64_t bytes, char text[SIZE_TEXT_MAX]);

/* Rounded down; 100 of nothing. */
unsigned int percent_of(uint64_t part, uint64_t whole);

#endif
