/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/diag.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/report.h"
#include "ops/layers.h"

struct idmap_options {
	struct common_options common;
	struct ids_options ids;
	bool read_only;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	IDS_OPTIONS(struct idmap_options),
	{"read-only", 'r', OPTION_FLAG, offsetof(struct idmap_options, read_only), NULL,
	 "nothing can be changed through the target"},
	OPTIONS_END,
};

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct idmap_options *options = arguments;
	struct layers_idmap_request request = {
		.directory = operands[0],
		.target = operands[1],
		.read_only = options->read_only,
	};
	struct diag why = {0};
	int r;

	(void)operand_count;
	if (ids_options_request("idmap", &options->ids, &request.ids) < 0)
		return STATUS_USAGE;
	if (!ids_are_asked_for(&request.ids)) {
		(void)fputs("lamina idmap: one of --uidmap, --gidmap, --userns and --map is "
			    "missing\n",
			    stderr);
		return STATUS_USAGE;
	}
	r = layers_idmap(&request, &why);
	return r < 0 ? report_failure(r, &why, "show '%s' at '%s'", request.directory,
				      request.target)
		     : STATUS_DONE;
}

const struct command command_idmap = {
	.name = "idmap",
	.operands = "DIR TARGET",
	.summary = "show a directory with other owners",
	.details = "What belongs to INSIDE in DIR, belongs to OUTSIDE at TARGET, and what OUTSIDE\n"
		   "makes at TARGET, INSIDE owns in DIR. Nothing is copied or changed. What is "
		   "mounted\n"
		   "below DIR is not shown. 'lamina umount TARGET' takes it away.\n"
		   "\n" MAP_DETAILS "\n"
		   "Needs root, or CAP_SYS_ADMIN in the user namespace that owns the file system, "
		   "and\n"
		   "a file system that can be idmapped, such as ext4, xfs, btrfs, or tmpfs.\n",
	.rows = rows,
	.options_size = sizeof(struct idmap_options),
	.operand_min = 2,
	.operand_max = 2,
	.run = run,
};
