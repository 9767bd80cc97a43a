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

/* All of them are tried; the first failure is the status. */
static int run(const void *arguments, int operand_count, char **operands)
{
	const struct common_options *options = arguments;
	CLEAN(repository_closep) struct store *store = NULL;
	struct diag why = {0};
	int status = STATUS_DONE;
	int r;

	r = repository_open(options->repo, &store, &why);
	if (r < 0)
		return report_failure(r, &why, "remove '%s'", operands[0]);
	for (int i = 0; i < operand_count; i++) {
		int failed;

		why = (struct diag){0};
		r = name_remove(store, operands[i], &why);
		failed = r < 0 ? report_failure(r, &why, "remove '%s'", operands[i]) : 0;
		status = status ? status : failed;
	}
	return status;
}

#define DETAILS                                                                       \
	"What no other name leads to is garbage then; 'lamina gc' frees its space.\n" \
	"Images that are mounted stay mounted. Digits that 'lamina images' shows\n"   \
	"stand for the name of that image, if it has but one.\n"

const struct command command_untag = {
	.name = "untag",
	.operands = "NAME...",
	.summary = "take names of images away",
	.details = DETAILS,
	.rows = rows,
	.options_size = sizeof(struct common_options),
	.operand_min = 1,
	.operand_max = -1,
	.run = run,
};

const struct command command_rmi = {
	.name = "rmi",
	.operands = "NAME...",
	.summary = "the same as untag",
	.details = DETAILS,
	.rows = rows,
	.options_size = sizeof(struct common_options),
	.operand_min = 1,
	.operand_max = -1,
	.run = run,
};
