/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/container.h"
#include "cli/report.h"
#include "ops/bundle.h"

struct bundle_options {
	struct common_options common;
	struct container_options container;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_REPO_OPTION,
	CONTAINER_OPTIONS(struct bundle_options),
	OPTIONS_END,
};

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct bundle_options *options = arguments;
	CLEAN(container_parsed_release) struct container_parsed parsed = {0};
	struct bundle_request request = {.image = operands[0], .repo = options->common.repo};
	struct diag why = {0};
	int r;

	(void)operand_count;
	if (container_options_parse("lamina bundle", &options->container, operands + 2, &parsed,
				    &request) < 0)
		return STATUS_USAGE;
	request.spec.rootfs = "rootfs";
	if (!request.spec.hostname)
		request.spec.hostname = "lamina";
	r = bundle_make(&request, operands[1], &why);
	return r < 0 ? report_failure(r, &why, "make a bundle of '%s'", request.image)
		     : STATUS_DONE;
}

const struct command command_bundle = {
	.name = "bundle",
	.operands = "IMAGE DIR [CMD [ARGUMENT...]]",
	.summary = "write what an OCI runtime needs to run an image",
	.details =
		"Makes DIR with config.json, from the image's config, and an empty rootfs, where\n"
		"'lamina mount --ephemeral -o nodev IMAGE DIR/rootfs' shows the image. Options\n"
		"end at IMAGE.\n",
	.rows = rows,
	.options_size = sizeof(struct bundle_options),
	.operand_min = 2,
	.operand_max = -1,
	.options_end_at_operand = true,
	.run = run,
};
