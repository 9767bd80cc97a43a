/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>

#include "base/diag.h"
#include "cli/command.h"
#include "cli/report.h"
#include "ops/mount.h"

struct umount_options {
	struct common_options common;
	bool lazy;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	{"lazy", 'l', OPTION_FLAG, offsetof(struct umount_options, lazy), NULL,
	 "detach now, free with the last user"},
	OPTIONS_END,
};

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct umount_options *options = arguments;
	int status = STATUS_DONE;

	for (int i = 0; i < operand_count; i++) {
		struct diag why = {0};
		int r = unmount_image(operands[i], options->lazy, &why);

		if (r < 0)
			status = report_failure(r, &why, "unmount '%s'", operands[i]);
		if (r == -EBUSY)
			report_hint("lamina umount --lazy %s", operands[i]);
	}
	return status;
}

const struct command command_umount = {
	.name = "umount",
	.operands = "DIR...",
	.summary = "take a mounted image away",
	.details = "The server of the mount, if it has one, ends by itself.\n",
	.rows = rows,
	.options_size = sizeof(struct umount_options),
	.operand_min = 1,
	.operand_max = -1,
	.run = run,
};
