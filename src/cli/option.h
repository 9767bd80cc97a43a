/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * option.h - one table of options a command: parsing, --help and the completion come from it
 */
#ifndef LAMINA_CLI_OPTION_H
#define LAMINA_CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char * */
	OPTION_NUMBER, /* uint64_t, decimal */
	OPTION_LIST,   /* struct option_list: may be given several times */
};

#define OPTION_LIST_MAX 64 /* more --filter or --objects than anybody types */

struct option_list {
	const char *items[OPTION_LIST_MAX + 1]; /* NULL behind the last */
	size_t count;
};

struct option_row {
	const char *name; /* long name, without dashes */
	char letter;      /* or 0 */
	enum option_kind kind;
	size_t offset;     /* of the field in the command's options */
	const char *value; /* what --help calls the value; NULL for flags */
	const char *help;  /* NULL: not listed */
};

/* The table ends with a row whose name is NULL. */
struct option_table {
	const char *program; /* what messages begin with, such as "lamina import" */
	const struct option_row *rows;
	bool ends_at_operand; /* the operands are a command with options of its own */
};

/*
 * Parse argv[1..] into *options, which holds the defaults. Options and operands may be mixed,
 * unless the table says otherwise; "--" ends the options. Returns the index of the first operand in
 * argv, which is permuted so that operands come last, or -EINVAL after a line on stderr.
 */
int options_parse(const struct option_table *table, int argc, char **argv, void *options);

/* The option lines of --help. */
void options_print(const struct option_table *table, FILE *out);

#endif
