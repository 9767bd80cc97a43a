/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/export.h"
#include "cli/inspected.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "ops/export.h"
#include "ops/repository.h"

#define TREE_PREFIX "tar:"
#define LAYOUT_PREFIX "oci-dir:" /* podman's word for oci: */

struct export_options {
	struct common_options common;
	const char *compression;
	uint64_t jobs;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	COMMON_PROGRESS_OPTIONS,
	{"compression", 0, OPTION_TEXT, offsetof(struct export_options, compression),
	 "none|gzip|zstd", "of layers whose compressed blob was not kept (default: none)"},
	{"jobs", 'j', OPTION_NUMBER, offsetof(struct export_options, jobs), "N",
	 "layers at a time (default: 3)"},
	OPTIONS_END,
};

int compression_option(const struct command *command, const char *text, enum compression *ret)
{
	for (int i = 0; text && i < COMPRESSION_COUNT; i++) {
		if (strcmp(text, compression_name((enum compression)i)) != 0)
			continue;
		*ret = (enum compression)i;
		return 0;
	}
	if (!text)
		return 0;
	(void)fprintf(stderr, "lamina %s: '--compression' is none, gzip or zstd, not '%s'\n",
		      command->name, text);
	return -1;
}

static void print_text(const struct export_result *result, bool quiet)
{
	char hex[DIGEST_HEX_SIZE_MAX], size[SIZE_TEXT_MAX];

	(void)printf("%s:%s\n",
		     digest_algorithm_name((enum digest_algorithm)result->manifest.algorithm),
		     digest_hex(&result->manifest, hex));
	if (quiet)
		return;
	report_note("%zu layers, %s, %zu of them were there", result->layer_count,
		    size_text(result->layer_bytes, size), result->present_count);
	if (result->mounted_count)
		report_note("%zu came from another repository of the registry",
			    result->mounted_count);
	if (!result->is_same)
		report_note("the manifest is a new one: layers are not compressed as they were "
			    "(lamina pull --keep-blobs keeps them)");
}

static void print_json(const struct export_result *result)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_digest(&json, "manifest", &result->manifest);
	json_bool(&json, "is_same", result->is_same);
	json_number(&json, "layers", result->layer_count);
	json_number(&json, "bytes", result->layer_bytes);
	json_number(&json, "present_layers", result->present_count);
	json_number(&json, "mounted_layers", result->mounted_count);
	json_close(&json);
	json_finish(&json);
}

int export_run(const struct common_options *options, struct export_request *request,
	       const char *what)
{
	CLEAN(repository_closep) struct store *store = NULL;
	struct export_result result;
	struct progress_printer printer;
	struct diag why = {0};
	int r;

	r = repository_open(options->repo, &store, &why);
	if (r < 0)
		return report_failure(r, &why, "%s '%s'", what, request->image);
	progress_printer_init(&printer, options);
	request->progress = progress_printer_sink(&printer);
	r = export_image(store, request, &result, &why);
	progress_printer_end(&printer);
	if (r < 0)
		return report_failure(r, &why, "%s '%s' to '%s'", what, request->image,
				      request->target);
	if (options->json)
		print_json(&result);
	else
		print_text(&result, options->quiet);
	return STATUS_DONE;
}

/* The target takes the place of standard output, which then has to stay data. */
static int export_files(const struct common_options *options, const char *image, const char *path)
{
	struct diag why = {0};
	int r = export_tree(options->repo, image, path, &why);

	return r < 0 ? report_failure(r, &why, "export '%s' to '%s'", image, path) : STATUS_DONE;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct export_options *options = arguments;
	struct export_request request = {
		.image = operands[0],
		.target = operands[1],
		.compress_plain = options->compression != NULL,
	};
	CLEAN(memory_freep) char *target = NULL;

	(void)operand_count;
	if (options->jobs > EXPORT_JOBS_MAX) {
		(void)fprintf(stderr, "lamina export: '--jobs' is at most %d\n", EXPORT_JOBS_MAX);
		return STATUS_USAGE;
	}
	request.jobs = (unsigned int)options->jobs;
	if (compression_option(&command_export, options->compression, &request.compression) < 0)
		return STATUS_USAGE;
	/* What export does not take is no image of a registry with a short name. */
	if (!strchr(operands[1], ':')) {
		(void)fprintf(stderr,
			      "lamina export: TARGET is tar:FILE, oci-dir:DIR, oci-archive:FILE, "
			      "dir:DIR or docker-archive:FILE, not '%s'\n",
			      operands[1]);
		return STATUS_USAGE;
	}
	if (strncmp(operands[1], TREE_PREFIX, strlen(TREE_PREFIX)) == 0)
		return export_files(&options->common, operands[0],
				    operands[1] + strlen(TREE_PREFIX));
	if (strncmp(operands[1], LAYOUT_PREFIX, strlen(LAYOUT_PREFIX)) == 0) {
		if (asprintf(&target, "oci:%s", operands[1] + strlen(LAYOUT_PREFIX)) < 0)
			return report_failure(-ENOMEM, NULL, "export '%s'", operands[0]);
		request.target = target;
	}
	return export_run(&options->common, &request, "export");
}

const struct command command_export = {
	.name = "export",
	.operands = "IMAGE TARGET",
	.summary = "write an image to a layout or an archive",
	.details = "TARGET is one of\n"
		   "  tar:FILE                          the files of the image, all layers in one\n"
		   "  oci-dir:DIR[:NAME]                an OCI layout; also spelled oci:\n"
		   "  oci-archive:FILE[:NAME]           the same in a tar archive\n"
		   "  dir:DIR                           blobs and manifest side by side, as skopeo "
		   "has it\n"
		   "  docker-archive:FILE[:NAME:TAG]    what docker load takes\n"
		   "FILE may be -. Layers are put together again to the byte and held to their "
		   "digests.\n"
		   "Compressed ones are what was pulled if --keep-blobs was given then; else they "
		   "are\n"
		   "not compressed, or anew, and the manifest is a new one. Prints its digest.\n",
	.rows = rows,
	.options_size = sizeof(struct export_options),
	.operand_min = 2,
	.operand_max = 2,
	.run = run,
};
