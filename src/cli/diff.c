/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/report.h"
#include "ops/diff.h"

struct diff_options {
	struct common_options common;
	bool dump;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	{"dump", 0, OPTION_FLAG, offsetof(struct diff_options, dump), NULL,
	 "a composefs dump of what is new or changed in B"},
	OPTIONS_END,
};

static int print_line(void *context, const struct difference *difference, struct diag *why)
{
	FILE *out = context;

	(void)why;
	(void)fprintf(out, "%c ", (char)difference->kind);
	(void)fwrite(difference->path.data, 1, difference->path.size, out);
	(void)fputc('\n', out);
	return 0;
}

static const char *kind_name(enum difference_kind kind)
{
	switch (kind) {
	case DIFFERENCE_ADDED:
		return "added";
	case DIFFERENCE_CHANGED:
		return "changed";
	case DIFFERENCE_REMOVED:
		return "removed";
	}
	return "unknown";
}

static int print_json(void *context, const struct difference *difference, struct diag *why)
{
	struct json *json = context;

	(void)why;
	json_open(json, NULL, '{');
	json_bytes(json, "path", difference->path);
	json_text(json, "kind", kind_name(difference->kind));
	if (difference->kind == DIFFERENCE_CHANGED) {
		json_open(json, "parts", '[');
		for (unsigned int i = 0; i < DIFFERENCE_PART_COUNT; i++) {
			if (difference->parts & 1U << i)
				json_text(json, NULL, difference_part_name(i));
		}
		json_close(json);
	}
	json_close(json);
	return 0;
}

static int print(struct diff *diff, const struct diff_options *options, struct diag *why)
{
	struct json json;
	int r;

	if (options->dump)
		return diff_dump(diff, STDOUT_FILENO, why);
	if (!options->common.json)
		return diff_each(diff, print_line, stdout, why);
	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_open(&json, "differences", '[');
	r = diff_each(diff, print_json, &json, why);
	json_close(&json);
	json_close(&json);
	json_finish(&json);
	return r;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct diff_options *options = arguments;
	CLEAN(diff_freep) struct diff *diff = NULL;
	struct diag why = {0};
	int r;

	(void)operand_count;
	if (options->dump && options->common.json) {
		(void)fputs("lamina diff: '--dump' and '--json' exclude each other\n", stderr);
		return STATUS_USAGE;
	}
	r = diff_open(operands[0], operands[1], options->common.repo, &diff, &why);
	if (r == 0)
		r = print(diff, options, &why);
	if (r < 0)
		return report_failure(r, &why, "compare '%s' and '%s'", operands[0], operands[1]);
	return STATUS_DONE;
}

const struct command command_diff = {
	.name = "diff",
	.operands = "A B",
	.summary = "tell what is different in image B from image A",
	.details = "A line for each name: 'A' new, 'C' changed, 'D' gone with all that was in it. "
		   "--json\n"
		   "tells what of it changed. A and B are names or digests in the repository, or "
		   "paths to\n"
		   "image files.\n",
	.rows = rows,
	.options_size = sizeof(struct diff_options),
	.operand_min = 2,
	.operand_max = 2,
	.run = run,
};
