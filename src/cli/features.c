/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/features.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/json.h"

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	OPTIONS_END,
};

static void print_text(void *context, const struct feature_row *row)
{
	(void)context;
	(void)printf("%-20s %-4s %s\n", row->name, row->available ? "yes" : "no",
		     row->available ? row->summary : row->why);
}

static void print_json(void *context, const struct feature_row *row)
{
	struct json *json = context;

	json_open(json, NULL, '{');
	json_text(json, "name", row->name);
	json_text(json, "summary", row->summary);
	json_bool(json, "available", row->available);
	if (row->why)
		json_text(json, "why", row->why);
	json_close(json);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct common_options *options = arguments;
	struct json json;

	(void)operand_count;
	(void)operands;
	if (!options->json) {
		features_visit(print_text, NULL);
		return STATUS_DONE;
	}
	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_open(&json, "features", '[');
	features_visit(print_json, &json);
	json_close(&json);
	json_close(&json);
	json_finish(&json);
	return STATUS_DONE;
}

const struct command command_features = {
	.name = "features",
	.operands = "",
	.summary = "show what this process may use on this kernel",
	.details = "Each feature is found out by trying it in its smallest form.\n",
	.rows = rows,
	.options_size = sizeof(struct common_options),
	.operand_min = 0,
	.operand_max = 0,
	.run = run,
};
