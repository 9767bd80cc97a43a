/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/json.h"
#include "cli/report.h"
#include "ops/df.h"
#include "ops/repository.h"

struct df_options {
	struct common_options common;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	OPTIONS_END,
};

/* Prints into memory first: a listing that fails half-way leaves nothing on stdout. */
struct printer {
	bool is_json;
	FILE *out; /* owned */
	struct json json;
	size_t count;
};

static void print_size(FILE *out, uint64_t bytes)
{
	(void)fprintf(out, "%9.1f MB  ", (double)bytes / 1e6);
}

static void json_row(struct json *json, const struct df_row *row)
{
	json_open(json, NULL, '{');
	json_text(json, "kind", df_kind_name(row->kind));
	json_bytes(json, "name", span_of_string(row->name));
	json_digest(json, "id", &row->id);
	if (row->error) {
		json_text(json, "error", row->error);
	} else {
		json_number(json, "objects", row->count);
		json_number(json, "bytes", row->bytes);
		json_number(json, "shared_bytes", row->shared_bytes);
		json_number(json, "unique_bytes", row->unique_bytes);
		json_number(json, "missing_objects", row->missing_count);
	}
	json_close(json);
}

static void text_row(struct printer *printer, const struct df_row *row)
{
	FILE *out = printer->out;

	if (printer->count++ == 0)
		(void)fputs("KIND    OBJECTS          SIZE        SHARED        UNIQUE  NAME\n",
			    out);
	(void)fprintf(out, "%-6s  ", df_kind_name(row->kind));
	if (row->error) {
		(void)fprintf(out, "%7s  %12s  %12s  %12s  ", "-", "-", "-", "-");
	} else {
		(void)fprintf(out, "%7" PRIu64 "  ", row->count);
		print_size(out, row->bytes);
		print_size(out, row->shared_bytes);
		print_size(out, row->unique_bytes);
	}
	(void)print_escaped(out, row->name);
	(void)fputc('\n', out);
	if (row->error)
		report_note("'%s': %s", row->name, row->error);
	else if (row->missing_count)
		report_note("'%s' lacks %" PRIu64 " objects", row->name, row->missing_count);
}

static int print_row(void *context, const struct df_row *row, struct diag *why)
{
	struct printer *printer = context;

	(void)why;
	if (printer->is_json)
		json_row(&printer->json, row);
	else
		text_row(printer, row);
	return 0;
}

static void print_total(struct printer *printer, const struct df_total *total)
{
	struct json *json = &printer->json;

	if (!printer->is_json) {
		(void)fprintf(printer->out,
			      "%sobjects: %" PRIu64 ", %.1f MB\n"
			      "unreferenced: %" PRIu64 ", %.1f MB\n",
			      printer->count ? "\n" : "", total->count, (double)total->bytes / 1e6,
			      total->unreferenced_count, (double)total->unreferenced_bytes / 1e6);
		if (total->lazy_count)
			(void)fprintf(printer->out,
				      "of images that are not all here: %" PRIu64 ", %.1f MB\n",
				      total->lazy_count, (double)total->lazy_bytes / 1e6);
		return;
	}
	json_number(json, "objects", total->count);
	json_number(json, "bytes", total->bytes);
	json_number(json, "unreferenced_objects", total->unreferenced_count);
	json_number(json, "unreferenced_bytes", total->unreferenced_bytes);
	json_number(json, "lazy_files", total->lazy_count);
	json_number(json, "lazy_bytes", total->lazy_bytes);
}

static int list(const struct store *store, struct printer *printer, struct diag *why)
{
	struct df_total total;
	int r;

	json_start(&printer->json, printer->out);
	if (printer->is_json) {
		json_open(&printer->json, NULL, '{');
		json_open(&printer->json, "names", '[');
	}
	r = df_run(store, print_row, printer, &total, why);
	if (printer->is_json)
		json_close(&printer->json);
	if (r == 0)
		print_total(printer, &total);
	if (printer->is_json) {
		json_close(&printer->json);
		json_finish(&printer->json);
	}
	return r;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct df_options *options = arguments;
	CLEAN(repository_closep) struct store *store = NULL;
	CLEAN(memory_freep) char *text = NULL;
	struct printer printer = {.is_json = options->common.json};
	struct diag why = {0};
	size_t size;
	int r;

	(void)operand_count;
	(void)operands;
	r = repository_open(options->common.repo, &store, &why);
	if (r < 0)
		return report_failure(r, &why, "add up sizes");
	printer.out = open_memstream(&text, &size);
	if (!printer.out)
		return report_failure(-ENOMEM, NULL, "add up sizes");
	r = list(store, &printer, &why);
	if (fclose(printer.out) != 0 && r == 0)
		r = -ENOMEM;
	if (r < 0)
		return report_failure(r, &why, "add up sizes");
	(void)fwrite(text, 1, size, stdout);
	return STATUS_DONE;
}

const struct command command_df = {
	.name = "df",
	.operands = "",
	.summary = "show what each name takes, and shares with others",
	.details =
		"SHARED is what other names need, too; UNIQUE is what 'lamina gc' would remove if\n"
		"this one went. Names of the same image share all of it, and count as one.\n"
		"Unreferenced is what no name needs: garbage, but for what is mounted. Of lazy\n"
		"images it is what has come so far, which is in no other figure.\n",
	.rows = rows,
	.options_size = sizeof(struct df_options),
	.operand_min = 0,
	.operand_max = 0,
	.run = run,
};
