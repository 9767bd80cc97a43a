/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * toml.h - the part of TOML that configuration of containers is written in
 *
 * TOML 1.0: tables, arrays of tables, bare, quoted and dotted keys, strings of all four kinds, and
 * values of other types as far as to know where they end. Inline tables are refused, with a line
 * that says so. What is read is told in the order it stands in the file; whether a key may come
 * twice is for who listens to say.
 */
#ifndef LAMINA_OCI_TOML_H
#define LAMINA_OCI_TOML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct diag; /* base/diag.h */

#define TOML_DEPTH_MAX 8 /* parts of a dotted key; ours have two */

struct toml_key {
	const char *parts[TOML_DEPTH_MAX];
	size_t count;
};

enum toml_type { TOML_STRING, TOML_BOOLEAN, TOML_ARRAY, TOML_OTHER };

struct toml_value {
	enum toml_type type;
	const char *string; /* TOML_STRING; without NULs */
	bool boolean;       /* TOML_BOOLEAN */
	/* TOML_ARRAY: all strings in it, those of arrays within too, each with a NUL behind it */
	struct span strings;
};

/* Strings are valid during the call. A negative errno ends the reading. */
struct toml_listener {
	/* [key] or [[key]]: what follows belongs there. */
	int (*table)(void *context, const struct toml_key *key, bool is_array, struct diag *why);
	int (*value)(void *context, const struct toml_key *key, const struct toml_value *value,
		     struct diag *why);
	void *context;
};

/* Returns 0, -EUCLEAN with the line, -ENOMEM, or what a listener returned (with the line too). */
int toml_read(struct span text, const struct toml_listener *listener, struct diag *why);

#endif
