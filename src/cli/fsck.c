/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "ops/fsck.h"

struct fsck_options {
	struct common_options common;
	bool metadata_only;
	bool repair;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	COMMON_PROGRESS_OPTIONS,
	{"metadata-only", 0, OPTION_FLAG, offsetof(struct fsck_options, metadata_only), NULL,
	 "do not read contents to compare their digests"},
	{"repair", 0, OPTION_FLAG, offsetof(struct fsck_options, repair), NULL,
	 "put damaged objects aside and remove links to nothing"},
	OPTIONS_END,
};

/* The problems, told before the counts are known, printed after them. */
struct printer {
	bool is_json;
	FILE *out; /* owned */
	struct json json;
};

static void print_problem(void *context, const struct fsck_problem *problem)
{
	struct printer *printer = context;

	if (printer->is_json) {
		json_open(&printer->json, NULL, '{');
		json_text(&printer->json, "kind", problem->kind);
		json_bytes(&printer->json, "subject", span_of_string(problem->subject));
		json_bytes(&printer->json, "message", span_of_string(problem->text));
		json_text(&printer->json, "repair", problem->repair);
		json_close(&printer->json);
		return;
	}
	(void)fprintf(printer->out, "  - fsck: %s: ", problem->kind);
	(void)print_escaped(printer->out, problem->subject);
	(void)fputs(": ", printer->out);
	(void)print_escaped(printer->out, problem->text);
	if (problem->repair)
		(void)fprintf(printer->out, " (%s)", problem->repair);
	(void)fputc('\n', printer->out);
}

static void json_count(struct json *json, const char *checked, const char *corrupted,
		       const struct fsck_count *count)
{
	json_number(json, checked, count->checked);
	json_number(json, corrupted, count->corrupted);
}

/* Names as in the varlink interface of composefs (org.composefs.Repository, Fsck). */
static void print_json(const struct fsck_result *result, const char *problems)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_bool(&json, "ok", result->error_count == 0);
	json_bool(&json, "has_metadata", result->meta != FSCK_META_ABSENT);
	json_count(&json, "objects_checked", "objects_corrupted", &result->objects);
	json_count(&json, "streams_checked", "streams_corrupted", &result->streams);
	json_count(&json, "images_checked", "images_corrupted", &result->images);
	json_count(&json, "oci_images_checked", "oci_images_corrupted", &result->oci_images);
	json_number(&json, "broken_links", result->broken_links);
	json_number(&json, "missing_objects", result->missing_objects);
	json_number(&json, "repaired", result->repair_count);
	json_raw(&json, "errors", problems);
	json_close(&json);
	json_finish(&json);
}

static void print_count(const char *noun, const struct fsck_count *count)
{
	(void)printf("%s: %" PRIu64 "/%" PRIu64 " ok\n", noun, count->checked - count->corrupted,
		     count->checked);
}

static void print_text(const struct fsck_result *result, const char *problems)
{
	static const char *const meta[] = {
		[FSCK_META_ABSENT] = "absent", [FSCK_META_OK] = "ok", [FSCK_META_ERROR] = "error"};

	(void)printf("meta.json: %s\n", meta[result->meta]);
	print_count("objects", &result->objects);
	print_count("streams", &result->streams);
	print_count("images", &result->images);
	print_count("oci images", &result->oci_images);
	if (result->error_count == 0)
		(void)puts("status: ok");
	else
		(void)printf("status: %" PRIu64 " error(s)\n%s", result->error_count, problems);
}

static int check(const struct fsck_options *options, struct printer *printer,
		 struct fsck_result *ret, struct diag *why)
{
	struct fsck_request request = {
		.repo = options->common.repo,
		.metadata_only = options->metadata_only,
		.is_repair = options->repair,
		.tell = print_problem,
		.context = printer,
	};
	struct progress_printer progress;
	int r;

	progress_printer_init(&progress, &options->common);
	request.progress = progress_printer_sink(&progress);
	json_start(&printer->json, printer->out);
	if (printer->is_json)
		json_open(&printer->json, NULL, '[');
	r = fsck_run(&request, ret, why);
	progress_printer_end(&progress);
	if (printer->is_json)
		json_close(&printer->json);
	return r;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct fsck_options *options = arguments;
	CLEAN(memory_freep) char *problems = NULL;
	struct printer printer = {.is_json = options->common.json};
	struct fsck_result result;
	struct diag why = {0};
	size_t size;
	int r;

	(void)operand_count;
	(void)operands;
	printer.out = open_memstream(&problems, &size);
	if (!printer.out)
		return report_failure(-ENOMEM, NULL, "check the repository");
	r = check(options, &printer, &result, &why);
	if (fclose(printer.out) != 0 && r == 0)
		r = -ENOMEM;
	if (r < 0)
		return report_failure(r, &why, "check the repository");
	if (options->common.json)
		print_json(&result, problems);
	else
		print_text(&result, problems);
	return result.error_count ? STATUS_REFUSED : STATUS_DONE;
}

const struct command command_fsck = {
	.name = "fsck",
	.operands = "",
	.summary = "check that the repository is whole",
	.details = "Every object is hashed, every stream and image read, every link followed; "
		   "manifests,\n"
		   "configs and layers of OCI images are compared with their digests. Exit status "
		   "3 when\n"
		   "something is wrong, repaired or not.\n"
		   "\n"
		   "--repair moves damaged objects to lamina/quarantine, until the next 'lamina "
		   "gc', and\n"
		   "removes links to nothing and names of streams that are not whole: the next "
		   "pull or\n"
		   "import then stores what is missing again.\n",
	.rows = rows,
	.options_size = sizeof(struct fsck_options),
	.operand_min = 0,
	.operand_max = 0,
	.run = run,
};
