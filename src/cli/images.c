/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/inspected.h"
#include "cli/json.h"
#include "cli/report.h"
#include "ops/names.h"
#include "ops/repository.h"

#define SHORT_DIGITS 12 /* of a digest in the table; --no-trunc shows all */

struct images_options {
	struct common_options common;
	bool whole;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	{"no-trunc", 0, OPTION_FLAG, offsetof(struct images_options, whole), NULL,
	 "whole digests in the table"},
	OPTIONS_END,
};

/* Prints into memory first: a listing that fails half-way leaves nothing on stdout. */
struct printer {
	const struct images_options *options;
	FILE *out; /* owned */
	struct json json;
	size_t count;
};

static void print_digest(const struct printer *printer, const struct digest *digest)
{
	bool whole = printer->options->whole;
	char hex[DIGEST_HEX_SIZE_MAX] = "-";

	if (digest->algorithm != DIGEST_NONE)
		(void)digest_hex(digest, hex);
	(void)fprintf(printer->out, "%-*.*s  ", whole ? 64 : SHORT_DIGITS,
		      whole ? DIGEST_HEX_SIZE_MAX : SHORT_DIGITS, hex);
}

static int print_one(void *context, const struct named_image *image, struct diag *why)
{
	struct printer *printer = context;
	int width = printer->options->whole ? 64 : SHORT_DIGITS;

	(void)why;
	if (printer->options->common.json) {
		json_open(&printer->json, NULL, '{');
		json_bytes(&printer->json, "name", span_of_string(image->name));
		inspected_json_digest(&printer->json, "digest", &image->image);
		inspected_json_digest(&printer->json, "manifest", &image->manifest);
		json_bool(&printer->json, "lazy", image->is_lazy);
		if (image->is_lazy) {
			json_number(&printer->json, "lazy_bytes", image->all_bytes);
			json_number(&printer->json, "here_bytes", image->here_bytes);
		}
		json_close(&printer->json);
		return 0;
	}
	if (printer->count++ == 0)
		(void)fprintf(printer->out, "%-*s  %-*s  NAME\n", width, "DIGEST", width,
			      "MANIFEST");
	print_digest(printer, &image->image);
	print_digest(printer, &image->manifest);
	(void)print_escaped(printer->out, image->name);
	if (image->is_lazy)
		(void)fprintf(printer->out, "  (lazy, %u %% here)",
			      percent_of(image->here_bytes, image->all_bytes));
	(void)fputc('\n', printer->out);
	return 0;
}

static int list(const struct store *store, struct printer *printer, struct diag *why)
{
	bool as_json = printer->options->common.json;
	int r;

	json_start(&printer->json, printer->out);
	if (as_json) {
		json_open(&printer->json, NULL, '{');
		json_open(&printer->json, "images", '[');
	}
	r = names_each(store, print_one, printer, why);
	if (as_json) {
		json_close(&printer->json);
		json_close(&printer->json);
		json_finish(&printer->json);
	}
	return r;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct images_options *options = arguments;
	CLEAN(repository_closep) struct store *store = NULL;
	CLEAN(memory_freep) char *text = NULL;
	struct printer printer = {.options = options};
	struct diag why = {0};
	size_t size;
	int r;

	(void)operand_count;
	(void)operands;
	r = repository_open(options->common.repo, &store, &why);
	if (r < 0)
		return report_failure(r, &why, "list images");
	printer.out = open_memstream(&text, &size);
	if (!printer.out)
		return report_failure(-ENOMEM, NULL, "list images");
	r = list(store, &printer, &why);
	if (fclose(printer.out) != 0 && r == 0)
		r = -ENOMEM;
	if (r < 0)
		return report_failure(r, &why, "list images");
	(void)fwrite(text, 1, size, stdout);
	return STATUS_DONE;
}

const struct command command_images = {
	.name = "images",
	.operands = "",
	.summary = "list the images of the repository",
	.details = "DIGEST is that of the file tree (fs-verity), MANIFEST what OCI calls a pulled\n"
		   "image, and what those take in place of a name that only look at images.\n",
	.rows = rows,
	.options_size = sizeof(struct images_options),
	.operand_min = 0,
	.operand_max = 0,
	.run = run,
};
