/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/report.h"
#include "ops/names.h"
#include "ops/repository.h"

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	OPTIONS_END,
};

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct common_options *options = arguments;
	CLEAN(repository_closep) struct store *store = NULL;
	struct diag why = {0};
	int r;

	r = repository_open(options->repo, &store, &why);
	for (int i = 1; i < operand_count && r == 0; i++) {
		r = name_add(store, operands[0], operands[i], &why);
		if (r < 0)
			return report_failure(r, &why, "tag '%s' as '%s'", operands[0],
					      operands[i]);
	}
	return r < 0 ? report_failure(r, &why, "tag '%s'", operands[0]) : STATUS_DONE;
}

const struct command command_tag = {
	.name = "tag",
	.operands = "IMAGE NAME...",
	.summary = "give an image more names",
	.details = "A name that another image has goes over to this one.\n",
	.rows = rows,
	.options_size = sizeof(struct common_options),
	.operand_min = 2,
	.operand_max = -1,
	.run = run,
};
