/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "ops/import.h"
#include "ops/repository.h"

struct import_options {
	struct input_command_options input;
	const char *objects;
	bool allow_missing;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	COMMON_PROGRESS_OPTIONS,
	INPUT_OPTIONS,
	{"objects", 0, OPTION_TEXT, offsetof(struct import_options, objects), "DIR[:DIR...]",
	 "dump: take contents that the repository lacks from here"},
	{"allow-missing", 0, OPTION_FLAG, offsetof(struct import_options, allow_missing), NULL,
	 "dump: import it though contents are missing"},
	OPTIONS_END,
};

static void print_text(const char *name, const struct import_result *result, bool quiet)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)printf("%s:%s\n",
		     digest_algorithm_name((enum digest_algorithm)result->image.algorithm),
		     digest_hex(&result->image, hex));
	if (quiet)
		return;
	report_note("%s: %" PRIu64 " inodes, image of %.1f MB, %" PRIu64
		    " new objects (%.1f MB), %" PRIu64 " were there",
		    name, result->inode_count, (double)result->image_bytes / 1e6,
		    result->added_count, (double)result->added_bytes / 1e6, result->present_count);
	for (size_t i = 0; i < result->extra_count; i++)
		report_note("in format %u: %s:%s", result->extra[i].version,
			    digest_algorithm_name(
				    (enum digest_algorithm)result->extra[i].digest.algorithm),
			    digest_hex(&result->extra[i].digest, hex));
	if (result->missing_count)
		report_note("the contents of %" PRIu64 " files are missing", result->missing_count);
}

static void print_json(const char *name, const struct import_result *result)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_bytes(&json, "name", span_of_string(name));
	json_digest(&json, "digest", &result->image);
	json_number(&json, "format", result->version);
	json_open(&json, "extra", '[');
	for (size_t i = 0; i < result->extra_count; i++) {
		json_open(&json, NULL, '{');
		json_number(&json, "format", result->extra[i].version);
		json_digest(&json, "digest", &result->extra[i].digest);
		json_close(&json);
	}
	json_close(&json);
	json_number(&json, "image_bytes", result->image_bytes);
	json_number(&json, "inodes", result->inode_count);
	json_number(&json, "new_objects", result->added_count);
	json_number(&json, "new_bytes", result->added_bytes);
	json_number(&json, "present_objects", result->present_count);
	json_number(&json, "missing_files", result->missing_count);
	json_close(&json);
	json_finish(&json);
}

static int import(const struct import_options *options, struct import_request *request,
		  struct import_result *ret, struct diag *why)
{
	CLEAN(repository_closep) struct store *store = NULL;
	struct progress_printer printer;
	int r;

	r = repository_open(options->input.common.repo, &store, why);
	if (r < 0)
		return r;
	progress_printer_init(&printer, &options->input.common);
	request->options.progress = progress_printer_sink(&printer);
	r = import_image(store, request, ret, why);
	progress_printer_end(&printer);
	return r;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct import_options *options = arguments;
	struct import_request request = {
		.input = operands[0],
		.name = operands[1],
		.objects = options->objects,
		.allow_missing = options->allow_missing,
	};
	struct import_result result;
	struct diag why = {0};
	int r;

	(void)operand_count;
	if (input_options(&command_import, &options->input, &request.options, &request.version) < 0)
		return STATUS_USAGE;
	r = import(options, &request, &result, &why);
	if (r < 0)
		return report_failure(r, &why, "import '%s'", request.input);
	if (options->input.common.json)
		print_json(request.name, &result);
	else
		print_text(request.name, &result, options->input.common.quiet);
	return STATUS_DONE;
}

const struct command command_import = {
	.name = "import",
	.operands = "DIR|TAR|DUMP NAME",
	.summary = "store a directory, a tar archive or a dump as an image of that name",
	.details =
		"TAR may be compressed by gzip or zstd; - is standard input. The archive itself is "
		"not\n"
		"kept, nor any manifest: lamina pull has images of OCI.\n\n"
		"File contents become objects of the repository, each once; a file of up to 64\n"
		"bytes goes into the image. Prints the digest of the image. When the command has\n"
		"returned, all of it survives a power loss. Without --format the image is of the\n"
		"repository's format; others that its meta.json wants are made, too, but have no\n"
		"name that keeps them from 'lamina gc'.\n",
	.rows = rows,
	.options_size = sizeof(struct import_options),
	.operand_min = 2,
	.operand_max = 2,
	.run = run,
};
