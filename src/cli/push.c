/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/export.h"
#include "cli/registry.h"
#include "cli/report.h"

struct push_options {
	struct common_options common;
	struct registry_command_options registry;
	const char *compression;
	uint64_t jobs;
	bool compress_all;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	COMMON_PROGRESS_OPTIONS,
	{"compression", 0, OPTION_TEXT, offsetof(struct push_options, compression),
	 "none|gzip|zstd", "of layers whose compressed blob was not kept (default: gzip)"},
	{"force-compression", 0, OPTION_FLAG, offsetof(struct push_options, compress_all), NULL,
	 "compress all layers so, whatever was kept"},
	{"jobs", 'j', OPTION_NUMBER, offsetof(struct push_options, jobs), "N",
	 "layers at a time (default: 3)"},
	REGISTRY_OPTIONS(struct push_options, registry),
	OPTIONS_END,
};

/* An image is pushed to where its name says, unless something else is said. */
static int run(const void *arguments, int operand_count, char **operands)
{
	const struct push_options *options = arguments;
	struct export_request request = {
		.image = operands[0],
		.target = operand_count > 1 ? operands[1] : operands[0],
		.compression = COMPRESSION_GZIP,
		.compress_all = options->compress_all,
		.compress_plain = options->compression != NULL,
		/* Who says how to compress means it. */
		.prefer_present = !options->compression && !options->compress_all,
	};
	CLEAN(registry_access_freep) struct registry_access *access = NULL;

	if (options->jobs > EXPORT_JOBS_MAX) {
		(void)fprintf(stderr, "lamina push: '--jobs' is at most %d\n", EXPORT_JOBS_MAX);
		return STATUS_USAGE;
	}
	request.jobs = (unsigned int)options->jobs;
	if (compression_option(&command_push, options->compression, &request.compression) < 0 ||
	    registry_access_make(&command_push, &options->registry, &access) < 0)
		return STATUS_USAGE;
	request.registry = *registry_access_options(access);
	return export_run(&options->common, &request, "push");
}

const struct command command_push = {
	.name = "push",
	.operands = "IMAGE [TARGET]",
	.summary = "bring an image to a registry",
	.details =
		"TARGET is where the name of the image says, or one of\n"
		"  [docker://]HOST[:PORT]/PATH[:TAG]\n"
		"  oci:DIR[:NAME]  oci-archive:FILE[:NAME]  docker-archive:FILE[:NAME:TAG]\n"
		"  dir:DIR\n"
		"Blobs that a registry has are not sent, and what lies in another repository of "
		"it\n"
		"is mounted from there. Compressed layers are what was pulled if --keep-blobs was\n"
		"given then, or if the registry has them; else they are compressed anew, and the\n"
		"manifest is a new one. Those that never were compressed, as commit makes them, "
		"stay "
		"so\n"
		"unless --compression is given. Prints the digest.\n",
	.rows = rows,
	.options_size = sizeof(struct push_options),
	.operand_min = 1,
	.operand_max = 2,
	.run = run,
};
