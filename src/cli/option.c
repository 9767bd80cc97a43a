/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/option.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define ROWS_MAX 64
#define FIRST_LONG 256 /* getopt's value of row 0: past every letter */

struct getopt_tables {
	struct option longs[ROWS_MAX + 1];
	char shorts[2 * ROWS_MAX + 3];
};

static void tables_fill(const struct option_table *table, struct getopt_tables *ret)
{
	size_t used = 0, i;

	*ret = (struct getopt_tables){0};
	if (table->ends_at_operand)
		ret->shorts[used++] = '+';
	ret->shorts[used++] = ':'; /* a missing value is told apart from an unknown option */
	for (i = 0; i < ROWS_MAX && table->rows[i].name; i++) {
		const struct option_row *row = &table->rows[i];

		ret->longs[i] = (struct option){
			.name = row->name,
			.has_arg = row->kind == OPTION_FLAG ? no_argument : required_argument,
			.val = FIRST_LONG + (int)i,
		};
		if (!row->letter)
			continue;
		ret->shorts[used++] = row->letter;
		if (row->kind != OPTION_FLAG)
			ret->shorts[used++] = ':';
	}
}

static const struct option_row *row_by_value(const struct option_table *table, int value)
{
	if (value >= FIRST_LONG)
		return &table->rows[value - FIRST_LONG];
	for (const struct option_row *row = table->rows; row->name; row++) {
		if (row->letter == value)
			return row;
	}
	return NULL;
}

static int number_parse(const char *text, uint64_t *ret)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return *end || errno ? -EINVAL : 0;
}

static int row_store(const struct option_table *table, const struct option_row *row,
		     const char *value, void *options)
{
	void *field = (char *)options + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)field = value;
		return 0;
	case OPTION_NUMBER:
		if (number_parse(value, field) == 0)
			return 0;
		(void)fprintf(stderr, "%s: '--%s' needs a decimal number, not '%s'\n",
			      table->program, row->name, value);
		return -EINVAL;
	case OPTION_LIST: {
		struct option_list *list = field;

		if (list->count == OPTION_LIST_MAX) {
			(void)fprintf(stderr, "%s: '--%s' is given more than %d times\n",
				      table->program, row->name, OPTION_LIST_MAX);
			return -EINVAL;
		}
		list->items[list->count++] = value;
		return 0;
	}
	}
	return -EINVAL;
}

int options_parse(const struct option_table *table, int argc, char **argv, void *options)
{
	struct getopt_tables tables;
	int value, r;

	tables_fill(table, &tables);
	optind = 0; /* glibc: start anew, with this argv */
	opterr = 0;
	while ((value = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
		const struct option_row *row;
		const char *word = optind > 0 ? argv[optind - 1] : "";

		if (value == ':') {
			(void)fprintf(stderr, "%s: '%s' needs a value\n", table->program, word);
			return -EINVAL;
		}
		row = value == '?' ? NULL : row_by_value(table, value);
		if (!row && optopt > 0 && optopt < FIRST_LONG) {
			(void)fprintf(stderr, "%s: unknown option '-%c'\n", table->program, optopt);
			return -EINVAL;
		}
		if (!row) {
			(void)fprintf(stderr, "%s: unknown or ambiguous option '%s'\n",
				      table->program, word);
			return -EINVAL;
		}
		r = row_store(table, row, optarg, options);
		if (r < 0)
			return r;
	}
	return optind;
}

void options_print(const struct option_table *table, FILE *out)
{
	for (const struct option_row *row = table->rows; row->name; row++) {
		char left[64], letter[8] = "    ";

		if (!row->help)
			continue;
		if (row->letter)
			(void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
		(void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name,
			       row->value ? "=" : "", row->value ? row->value : "");
		(void)fprintf(out, "  %-32s %s\n", left, row->help);
	}
}
