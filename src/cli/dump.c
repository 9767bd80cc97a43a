/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/report.h"
#include "ops/listing.h"

struct dump_options {
	struct common_options common;
	struct option_list filters;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_REPO_OPTION,
	{"filter", 0, OPTION_LIST, offsetof(struct dump_options, filters), "NAME",
	 "only this entry of the root directory; may be repeated"},
	OPTIONS_END,
};

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct dump_options *options = arguments;
	CLEAN(listing_freep) struct listing *listing = NULL;
	struct diag why = {0};
	int r;

	(void)operand_count;
	r = listing_open(operands[0], options->common.repo, options->filters.items, &listing, &why);
	if (r == 0)
		r = listing_dump(listing, stdout, &why);
	if (r < 0)
		return report_failure(r, &why, "dump image '%s'", operands[0]);
	return STATUS_DONE;
}

const struct command command_dump = {
	.name = "dump",
	.operands = "IMAGE",
	.summary = "print an image in the composefs dump text format",
	.details = "'lamina build' and 'lamina import' read that format back.\n",
	.rows = rows,
	.options_size = sizeof(struct dump_options),
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};
