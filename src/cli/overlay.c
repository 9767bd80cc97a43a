/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/diag.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/report.h"
#include "ops/layers.h"

struct overlay_command_options {
	struct common_options common;
	struct option_list lowers;
	const char *upper;
	const char *work;
	struct ids_options ids;
	bool userxattr;
	bool metacopy;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	{"lower", 0, OPTION_LIST, offsetof(struct overlay_command_options, lowers), "DIR[:DIR...]",
	 "the layers, the topmost first; may be given again"},
	{"upper", 0, OPTION_TEXT, offsetof(struct overlay_command_options, upper), "DIR",
	 "make the mount writable: changes go here"},
	{"work", 0, OPTION_TEXT, offsetof(struct overlay_command_options, work), "DIR",
	 "empty directory on the mount of --upper"},
	IDS_OPTIONS(struct overlay_command_options),
	{"userxattr", 0, OPTION_FLAG, offsetof(struct overlay_command_options, userxattr), NULL,
	 "user.overlay.* attributes, as in a user namespace"},
	{"metacopy", 0, OPTION_FLAG, offsetof(struct overlay_command_options, metacopy), NULL,
	 "chmod and chown copy no data; rename directories"},
	OPTIONS_END,
};

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct overlay_command_options *options = arguments;
	struct layers_overlay_request request = {
		.lowers = options->lowers.items,
		.upper = options->upper,
		.work = options->work,
		.target = operands[0],
		.userxattr = options->userxattr,
		.metacopy = options->metacopy,
	};
	struct diag why = {0};
	int r;

	(void)operand_count;
	if (options->lowers.count == 0) {
		(void)fputs("lamina overlay: --lower is missing\n", stderr);
		return STATUS_USAGE;
	}
	if (ids_options_request("overlay", &options->ids, &request.ids) < 0)
		return STATUS_USAGE;
	r = layers_overlay(&request, &why);
	return r < 0 ? report_failure(r, &why, "mount layers at '%s'", request.target)
		     : STATUS_DONE;
}

const struct command command_overlay = {
	.name = "overlay",
	.operands = "--lower=DIR[:DIR...] TARGET",
	.summary = "show directories on top of each other, with other owners",
	.details =
		"The layers stay as they are, and may be shared by any number of mounts, each "
		"with\n"
		"its own id map. With a map, the upper directory has the ids INSIDE, too: what "
		"root\n"
		"of the container makes belongs to 0 there. What belongs to nobody in the map is\n"
		"shown as belonging to the overflow id, and cannot be changed. In paths of "
		"--lower,\n"
		"'\\:' is a colon. 'lamina umount TARGET' takes it away.\n"
		"\n" MAP_DETAILS "\n"
		"A map needs root, or CAP_SYS_ADMIN in the user namespace that owns the file\n"
		"systems, and Linux 5.19. --metacopy is for layers that nobody else can write.\n",
	.rows = rows,
	.options_size = sizeof(struct overlay_command_options),
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};
