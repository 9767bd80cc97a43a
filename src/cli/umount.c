/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "base/diag.h"
#include "cli/command.h"
#include "cli/report.h"
#include "ops/mounts.h"

struct umount_options {
	struct common_options common;
	bool all;
	bool lazy;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_REPO_OPTION,
	{"all", 'a', OPTION_FLAG, offsetof(struct umount_options, all), NULL,
	 "all mounts of the repository that you made in this mount namespace"},
	{"lazy", 'l', OPTION_FLAG, offsetof(struct umount_options, lazy), NULL,
	 "detach now, free with the last user"},
	OPTIONS_END,
};

static void tell(void *context, const char *target, int r, struct diag *why)
{
	int *status = context;

	if (r < 0)
		*status = report_failure(r, why, "unmount '%s'", target);
	if (r == -EBUSY)
		report_hint("lamina umount --lazy %s", target);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct umount_options *options = arguments;
	int status = STATUS_DONE;

	if (options->all == (operand_count > 0)) {
		(void)fputs("lamina umount: either DIR... or --all\n", stderr);
		return STATUS_USAGE;
	}
	if (options->all) {
		struct diag why = {0};
		int r = mounts_unmount_all(options->common.repo, options->lazy, tell, &status,
					   &why);

		return r < 0 ? report_failure(r, &why, "unmount all") : status;
	}
	for (int i = 0; i < operand_count; i++) {
		struct diag why = {0};
		int r = mounts_unmount(options->common.repo, operands[i], options->lazy, &why);

		tell(&status, operands[i], r, &why);
	}
	return status;
}

const struct command command_umount = {
	.name = "umount",
	.operands = "DIR... | --all",
	.summary = "take away what mount, idmap or overlay showed",
	.details =
		"The server of the mount, if it has one, ends by itself, and a mount whose server "
		"is\n"
		"dead goes, too. An idmapped mount is unmounted whoever made it: the kernel keeps "
		"no\n"
		"label of it. Other mounts, which are not lamina's, are left alone.\n",
	.rows = rows,
	.options_size = sizeof(struct umount_options),
	.operand_min = 0,
	.operand_max = -1,
	.run = run,
};
