/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/unshare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/report.h"
#include "ops/mount.h"
#include "ops/unshare.h"

/* env(1), nice(1), unshare(1) and the shells. */
enum {
	STATUS_CANNOT_RUN = 126,
	STATUS_NOT_FOUND = 127,
};

struct unshare_options {
	struct common_options common;
	const char *map;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	{"map", 0, OPTION_TEXT, offsetof(struct unshare_options, map), MAP_OPTION_VALUE,
	 "which ids exist in the namespace (default: auto)"},
	{"quiet", 'q', OPTION_FLAG, offsetof(struct common_options, quiet), NULL, "no notes"},
	OPTIONS_END,
};

/* Returns only when that failed. */
static int become(char **words)
{
	const char *shell = getenv("SHELL");
	char *shell_words[] = {(char *)(shell && *shell ? shell : "/bin/sh"), NULL};
	int err;

	if (!words[0])
		words = shell_words;
	(void)fflush(NULL);
	(void)execvp(words[0], words);
	err = errno;
	(void)report_failure(-err, NULL, "run '%s'", words[0]);
	return err == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
}

int unshare_and_run(enum id_shorthand shorthand, const struct mount_request *request, bool quiet,
		    char **words)
{
	struct diag why = {0}, note = {0};
	int r = unshare_namespaces(shorthand, &note, &why);

	if (r < 0) {
		int status = report_failure(r, &why, "make namespaces");

		if (r == -EPERM && shorthand != ID_SHORTHAND_ROOT)
			report_hint("--map root needs no subordinate ids");
		return status;
	}
	if (note.text[0] && !quiet)
		report_note("%s", note.text);
	r = request ? unshare_mount(request, &why) : 0;
	if (r < 0)
		return report_failure(r, &why, "mount '%s' at '%s'",
				      request->image ? request->image : "-", request->target);
	return become(words);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct unshare_options *options = arguments;
	enum id_shorthand shorthand = ID_SHORTHAND_AUTO;

	(void)operand_count;
	if (map_option("unshare", "--map", options->map, &shorthand) < 0)
		return STATUS_USAGE;
	return unshare_and_run(shorthand, NULL, options->common.quiet, operands);
}

const struct command command_unshare = {
	.name = "unshare",
	.operands = "[COMMAND [ARGUMENT...]]",
	.summary = "run a command in namespaces of its own, where you may mount",
	.details =
		"A user namespace, and a mount namespace whose mounts go with it. The command is\n"
		"$SHELL when none is given; its exit status is this one's. Options end at it.\n"
		"\n" MAP_DETAILS "\n"
		"auto and keep-id need newuidmap and newgidmap (package uidmap), unless you are\n"
		"root here. Without them, or without subordinate ids, only your own id exists.\n"
		"With keep-id the command is not root of the namespace, and may not mount.\n",
	.rows = rows,
	.options_size = sizeof(struct unshare_options),
	.operand_min = 0,
	.operand_max = -1,
	.options_end_at_operand = true,
	.run = run,
};
