/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/duration.h"
#include "cli/escape.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "ops/gc.h"
#include "ops/repository.h"

struct gc_options {
	struct common_options common;
	const char *older;
	bool dry_run;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	COMMON_PROGRESS_OPTIONS,
	{"dry-run", 'n', OPTION_FLAG, offsetof(struct gc_options, dry_run), NULL,
	 "only say what would be removed"},
	{"older", 0, OPTION_TEXT, offsetof(struct gc_options, older), "DURATION",
	 "leave alone what is younger: seconds, or 15m, 12h, 7d, 2w (default: 0)"},
	OPTIONS_END,
};

/* Names that went, NUL behind each; objects are too many to name. */
struct names {
	struct buf of_kind[GC_KIND_COUNT];
	int error;
};

static void names_release(struct names *names)
{
	for (size_t i = 0; i < GC_KIND_COUNT; i++)
		buf_release(&names->of_kind[i]);
}

static void note(void *context, enum gc_kind kind, const char *name, uint64_t size_bytes)
{
	struct names *names = context;

	(void)size_bytes;
	if (kind == GC_OBJECT)
		return;
	if (buf_append(&names->of_kind[kind], name, strlen(name) + 1) < 0)
		names->error = -ENOMEM;
}

static void json_names(struct json *json, const char *key, const struct buf *names)
{
	struct span rest = buf_span(names);

	json_open(json, key, '[');
	while (rest.size) {
		struct span name = span_of_string((const char *)rest.data);

		json_bytes(json, NULL, name);
		(void)span_from(rest, name.size + 1, &rest);
	}
	json_close(json);
}

static void print_json(const struct gc_options *options, const struct gc_result *result,
		       const struct names *names)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_bool(&json, "dry_run", options->dry_run);
	json_names(&json, "references", &names->of_kind[GC_REFERENCE]);
	json_names(&json, "images", &names->of_kind[GC_IMAGE]);
	json_names(&json, "streams", &names->of_kind[GC_STREAM]);
	json_names(&json, "temporary", &names->of_kind[GC_TEMPORARY]);
	json_names(&json, "quarantined", &names->of_kind[GC_QUARANTINED]);
	json_number(&json, "objects", result->counts[GC_OBJECT]);
	json_number(&json, "bytes", result->bytes);
	json_number(&json, "kept_objects", result->kept_count);
	json_number(&json, "mounted_images", result->mounted_count);
	json_number(&json, "missing", result->missing_count);
	json_number(&json, "stale_records", (uint64_t)result->stale_count);
	json_close(&json);
	json_finish(&json);
}

static void print_names(const struct buf *names)
{
	struct span rest = buf_span(names);

	while (rest.size) {
		struct span name = span_of_string((const char *)rest.data);

		(void)fputs("  ", stdout);
		(void)print_escaped(stdout, (const char *)name.data);
		(void)fputc('\n', stdout);
		(void)span_from(rest, name.size + 1, &rest);
	}
}

static void print_text(const struct gc_options *options, const struct gc_result *result,
		       const struct names *names)
{
	static const struct {
		enum gc_kind kind;
		const char *noun;
	} lines[] = {
		{GC_REFERENCE, "references"},
		{GC_IMAGE, "images"},
		{GC_STREAM, "streams"},
		{GC_TEMPORARY, "temporary files"},
		{GC_QUARANTINED, "quarantined objects"},
	};
	const char *verb = options->dry_run ? "would be removed" : "removed";

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		enum gc_kind kind = lines[i].kind;

		if (result->counts[kind] == 0)
			continue;
		(void)printf("%s: %" PRIu64 " %s\n", lines[i].noun, result->counts[kind], verb);
		print_names(&names->of_kind[kind]);
	}
	(void)printf("objects: %" PRIu64 " %s, %" PRIu64 " needed\n", result->counts[GC_OBJECT],
		     verb, result->kept_count);
	(void)printf("bytes: %" PRIu64 " %s\n", result->bytes, verb);
	if (result->mounted_count)
		report_note("%" PRIu64 " images stay because they are mounted",
			    result->mounted_count);
	if (result->missing_count) {
		report_note("%" PRIu64 " streams or images are needed and missing",
			    result->missing_count);
		report_hint("lamina fsck");
	}
}

static int collect(const struct gc_options *options, struct gc_request *request,
		   struct gc_result *ret, struct diag *why)
{
	CLEAN(repository_closep) struct store *store = NULL;
	struct progress_printer printer;
	int r;

	r = repository_open(options->common.repo, &store, why);
	if (r < 0)
		return r;
	progress_printer_init(&printer, &options->common);
	request->progress = progress_printer_sink(&printer);
	r = gc_run(store, request, ret, why);
	progress_printer_end(&printer);
	return r;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct gc_options *options = arguments;
	CLEAN(names_release) struct names names = {0};
	struct gc_request request = {.is_dry = options->dry_run, .tell = note, .context = &names};
	struct gc_result result;
	struct diag why = {0};
	int r;

	(void)operand_count;
	(void)operands;
	if (options->older && !duration_parse(options->older, &request.older_seconds)) {
		(void)fprintf(stderr,
			      "lamina gc: '--older' is a number of seconds, or like 15m, 12h, 7d, "
			      "not '%s'\n",
			      options->older);
		return STATUS_USAGE;
	}
	r = collect(options, &request, &result, &why);
	if (r == 0)
		r = names.error;
	if (r < 0) {
		int status = report_failure(r, &why, "collect garbage");

		if (status == STATUS_REFUSED)
			report_hint("lamina fsck --repair, then again");
		return status;
	}
	if (options->common.json)
		print_json(options, &result, &names);
	else
		print_text(options, &result, &names);
	return STATUS_DONE;
}

const struct command command_gc = {
	.name = "gc",
	.operands = "",
	.summary = "remove what no name and no mount needs",
	.details =
		"Needed are images and streams that a name leads to (lamina images), images that\n"
		"are mounted, and all that these consist of. Waits until nobody else writes to\n"
		"the repository.\n",
	.rows = rows,
	.options_size = sizeof(struct gc_options),
	.operand_min = 0,
	.operand_max = 0,
	.run = run,
};
