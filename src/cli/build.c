/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdio.h>

#include "base/diag.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "ops/build.h"

struct build_options {
	struct input_command_options input;
	const char *algorithm;
	const char *objects;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_PROGRESS_OPTIONS,
	INPUT_OPTIONS,
	{"algorithm", 0, OPTION_TEXT, offsetof(struct build_options, algorithm), "sha256|sha512",
	 "how contents are named (default: sha256)"},
	{"objects", 0, OPTION_TEXT, offsetof(struct build_options, objects), "DIR",
	 "put file contents there, as XX/rest of their digest"},
	OPTIONS_END,
};

static void print_json(const char *output, const struct build_result *result)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_bytes(&json, "image", span_of_string(output));
	json_digest(&json, "digest", &result->name);
	json_number(&json, "format", result->version);
	json_number(&json, "image_bytes", result->size_bytes);
	json_number(&json, "inodes", result->inode_count);
	json_close(&json);
	json_finish(&json);
}

static void print_result(const struct build_options *options, const char *output,
			 const struct build_result *result)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	if (options->input.common.json)
		print_json(output, result);
	else
		(void)printf("%s:%s %s\n",
			     digest_algorithm_name((enum digest_algorithm)result->name.algorithm),
			     digest_hex(&result->name, hex), output);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct build_options *options = arguments;
	struct build_request request = {
		.input = operands[0],
		.output = operands[1],
		.object_dir = options->objects,
	};
	struct progress_printer printer;
	struct build_result result;
	struct diag why = {0};
	bool to_stdout = operands[1][0] == '-' && !operands[1][1];
	int r, version;

	(void)operand_count;
	if (input_options(&command_build, &options->input, &request.options, &version) < 0)
		return STATUS_USAGE;
	request.options.algorithm = algorithm_option(&command_build, options->algorithm);
	if (request.options.algorithm == DIGEST_NONE)
		return STATUS_USAGE;
	request.versions =
		version < 0 ? (struct erofs_version_range){0, 1}
			    : (struct erofs_version_range){(uint32_t)version, (uint32_t)version};
	progress_printer_init(&printer, &options->input.common);
	request.options.progress = progress_printer_sink(&printer);
	r = build_image(&request, &result, &why);
	progress_printer_end(&printer);
	if (r < 0)
		return report_failure(r, &why, "build '%s' from '%s'", request.output,
				      request.input);
	if (!to_stdout)
		print_result(options, request.output, &result);
	return STATUS_DONE;
}

const struct command command_build = {
	.name = "build",
	.operands = "DIR|TAR|DUMP IMAGE",
	.summary = "write an image file, without a repository",
	.details =
		"The same bytes that mkcomposefs writes. TAR and DUMP may be -, and so may IMAGE: "
		"then it\n"
		"goes to standard output and its digest is not printed. Without --format it is\n"
		"version 0, or 1 where there are whiteouts; 2 is the one of early composefs-rs.\n",
	.rows = rows,
	.options_size = sizeof(struct build_options),
	.operand_min = 2,
	.operand_max = 2,
	.run = run,
};
