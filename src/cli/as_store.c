/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/diag.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/report.h"
#include "ops/as_store.h"

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	OPTIONS_END,
};

static void print(bool as_json, char **names, int count)
{
	struct json json;

	if (!as_json) {
		for (int i = 0; i < count; i++)
			(void)printf("%s\n", names[i]);
		return;
	}
	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_open(&json, "images", '[');
	for (int i = 0; i < count; i++)
		json_text(&json, NULL, names[i]);
	json_close(&json);
	json_close(&json);
	json_finish(&json);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct common_options *options = arguments;
	int count = operand_count - 1, status = STATUS_DONE;
	char **names = calloc((size_t)count, sizeof(*names));

	for (int i = 0; i < count && status == STATUS_DONE; i++) {
		const struct as_store_request request = {
			.repo = options->repo, .directory = operands[0], .image = operands[i + 1]};
		struct diag why = {0};
		int r = names ? as_store(&request, &names[i], &why) : -ENOMEM;

		if (r < 0)
			status = report_failure(r, &why, "put '%s' into '%s'", request.image,
						request.directory);
	}
	if (status == STATUS_DONE)
		print(options->json, names, count);
	for (int i = 0; names && i < count; i++)
		free(names[i]);
	free(names);
	return status;
}

const struct command command_as_store = {
	.name = "as-store",
	.operands = "DIR IMAGE...",
	.summary = "show pulled images to podman, without a copy",
	.details = "Makes DIR an additional image store, and mounts each IMAGE in it. Prints what "
		   "podman\n"
		   "calls them. With\n"
		   "  [storage.options]\n"
		   "  additionalimagestores = [ \"DIR\" ]\n"
		   "in storage.conf, 'podman run' finds them by these names. The mounts are gone "
		   "after "
		   "a\n"
		   "reboot: run this again. docs/podman.md has what podman cannot do with them.\n",
	.rows = rows,
	.options_size = sizeof(struct common_options),
	.operand_min = 2,
	.operand_max = -1,
	.run = run,
};
