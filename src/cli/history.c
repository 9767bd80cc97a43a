/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/inspected.h"
#include "cli/json.h"
#include "ops/inspect.h"

#define TIME_WIDTH 20
#define CREATED_BY_WIDTH 60 /* of the table; --no-trunc shows all */

struct history_options {
	struct common_options common;
	bool whole;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	{"no-trunc", 0, OPTION_FLAG, offsetof(struct history_options, whole), NULL,
	 "whole commands in the table"},
	OPTIONS_END,
};

/* To the second, in a column: what an image says need not be a time. */
static void print_time(const char *created)
{
	char part[TIME_WIDTH];
	size_t size;

	(void)snprintf(part, sizeof(part), "%s", created);
	size = print_escaped(stdout, part);
	(void)printf("%*s", size < TIME_WIDTH ? (int)(TIME_WIDTH - size) + 2 : 2, "");
}

static void print_row(const struct inspected *image, size_t index, bool whole)
{
	const struct oci_history *step = &image->config->history[index];
	const struct inspected_layer *layer = image->history_layers[index];
	const char *created_by = step->created_by ? step->created_by
				 : step->comment  ? step->comment
						  : "";
	char size[SIZE_TEXT_MAX], part[CREATED_BY_WIDTH + 4];

	print_time(step->created ? step->created : "-");
	(void)printf("%10s  ", step->is_empty ? "-"
			       : layer        ? size_text(layer->tar_bytes, size)
					      : "?");
	if (!whole && strlen(created_by) > CREATED_BY_WIDTH) {
		(void)snprintf(part, sizeof(part), "%.*s...", CREATED_BY_WIDTH - 3, created_by);
		created_by = part;
	}
	(void)print_escaped(stdout, created_by);
	(void)putchar('\n');
}

/* The newest first, as docker and podman have it. */
static void print_table(const struct inspected *image, bool whole)
{
	(void)printf("%-*s  %10s  CREATED BY\n", TIME_WIDTH, "CREATED", "SIZE");
	for (size_t i = image->config ? image->config->history_count : 0; i > 0; i--)
		print_row(image, i - 1, whole);
}

static void json_row(struct json *json, const struct inspected *image, size_t index)
{
	const struct oci_history *step = &image->config->history[index];
	const struct inspected_layer *layer = image->history_layers[index];

	json_open(json, NULL, '{');
	json_text(json, "created", step->created);
	json_text(json, "created_by", step->created_by);
	json_text(json, "author", step->author);
	json_text(json, "comment", step->comment);
	json_bool(json, "empty_layer", step->is_empty);
	if (layer) {
		json_digest(json, "diff_id", &layer->diff_id);
		json_number(json, "tar_bytes", layer->tar_bytes);
	}
	json_close(json);
}

static void print_json(const struct inspected *image)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_open(&json, "history", '[');
	for (size_t i = image->config ? image->config->history_count : 0; i > 0; i--)
		json_row(&json, image, i - 1);
	json_close(&json);
	json_close(&json);
	json_finish(&json);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct history_options *options = arguments;
	CLEAN(inspected_freep) struct inspected *image = NULL;
	int status;

	(void)operand_count;
	status = inspected_open(options->common.repo, operands[0], &image);
	if (status)
		return status;
	if (options->common.json)
		print_json(image);
	else
		print_table(image, options->whole);
	return STATUS_DONE;
}

const struct command command_history = {
	.name = "history",
	.operands = "IMAGE",
	.summary = "show how a pulled image came to be, the newest step first",
	.rows = rows,
	.options_size = sizeof(struct history_options),
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};
