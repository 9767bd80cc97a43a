/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/inspected.h"
#include "cli/json.h"
#include "ops/inspect.h"

#define SHORT_DIGITS 12 /* of a digest in the table; --no-trunc shows all */

struct layers_options {
	struct common_options common;
	bool whole;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	{"no-trunc", 0, OPTION_FLAG, offsetof(struct layers_options, whole), NULL,
	 "whole digests in the table"},
	OPTIONS_END,
};

static void print_digest(const struct digest *digest, const struct layers_options *options)
{
	char hex[DIGEST_HEX_SIZE_MAX] = "-";

	if (digest->algorithm != DIGEST_NONE)
		(void)digest_hex(digest, hex);
	(void)printf("%-*.*s  ", options->whole ? 64 : SHORT_DIGITS,
		     options->whole ? DIGEST_HEX_SIZE_MAX : SHORT_DIGITS, hex);
}

static void print_table(const struct inspected *image, const struct layers_options *options)
{
	char small[SIZE_TEXT_MAX], large[SIZE_TEXT_MAX];
	int width = options->whole ? 64 : SHORT_DIGITS;

	(void)printf("%-*s  %-*s  %10s  %10s  %7s  TYPE\n", width, "BLOB", width, "DIFF_ID", "SIZE",
		     "TAR", "OBJECTS");
	for (size_t i = 0; i < image->layer_count; i++) {
		const struct inspected_layer *layer = &image->layers[i];

		print_digest(&layer->blob->digest, options);
		print_digest(&layer->diff_id, options);
		(void)printf("%10s  %10s  %7zu  ", size_text(layer->blob->size, small),
			     size_text(layer->tar_bytes, large), layer->object_count);
		(void)print_escaped(stdout, layer->blob->media_type);
		(void)putchar('\n');
	}
}

static void print_json(const struct inspected *image)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_open(&json, "layers", '[');
	for (size_t i = 0; i < image->layer_count; i++) {
		const struct inspected_layer *layer = &image->layers[i];

		json_open(&json, NULL, '{');
		json_digest(&json, "digest", &layer->blob->digest);
		inspected_json_digest(&json, "diff_id", &layer->diff_id);
		json_text(&json, "media_type", layer->blob->media_type);
		json_number(&json, "bytes", layer->blob->size);
		json_number(&json, "tar_bytes", layer->tar_bytes);
		json_number(&json, "objects", layer->object_count);
		json_bool(&json, "blob_is_kept", layer->is_blob_kept);
		json_text(&json, "created_by", layer->created_by);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
	json_finish(&json);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct layers_options *options = arguments;
	CLEAN(inspected_freep) struct inspected *image = NULL;
	int status;

	(void)operand_count;
	status = inspected_open(options->common.repo, operands[0], &image);
	if (status)
		return status;
	if (options->common.json)
		print_json(image);
	else
		print_table(image, options);
	return STATUS_DONE;
}

const struct command command_layers = {
	.name = "layers",
	.operands = "IMAGE",
	.summary = "list the layers of a pulled image, from the base up",
	.rows = rows,
	.options_size = sizeof(struct layers_options),
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};
