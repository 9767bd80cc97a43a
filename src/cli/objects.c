/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/listing.h"
#include "cli/report.h"
#include "ops/listing.h"
#include "ops/source.h"

struct objects_options {
	struct common_options common;
	struct option_list filters;
	const char *objects;
	bool missing;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	{"filter", 0, OPTION_LIST, offsetof(struct objects_options, filters), "NAME",
	 "only what this entry of the root directory needs; may be repeated"},
	{"missing", 0, OPTION_FLAG, offsetof(struct objects_options, missing), NULL,
	 "only objects that are not there"},
	{"objects", 0, OPTION_TEXT, offsetof(struct objects_options, objects), "DIR[:DIR...]",
	 "where --missing looks (default: the repository)"},
	OPTIONS_END,
};

struct printer {
	const struct object_dirs *dirs; /* NULL: print all */
	bool as_json;
	struct json json;
};

static int print_one(void *context, const struct listing_object *object, struct diag *why)
{
	struct printer *printer = context;

	if (printer->dirs && object_dirs_have(printer->dirs, object->path))
		return 0;
	if (!printer->as_json)
		return listing_print_object(stdout, object, why);
	json_open(&printer->json, NULL, '{');
	json_bytes(&printer->json, "path", object->path);
	if (object->digest.algorithm != DIGEST_NONE)
		json_digest(&printer->json, "digest", &object->digest);
	json_number(&printer->json, "size", object->size);
	json_close(&printer->json);
	return 0;
}

static int list(const struct listing *listing, struct printer *printer, struct diag *why)
{
	int r;

	if (!printer->as_json)
		return listing_objects(listing, print_one, printer, why);
	json_start(&printer->json, stdout);
	json_open(&printer->json, NULL, '{');
	json_open(&printer->json, "objects", '[');
	r = listing_objects(listing, print_one, printer, why);
	json_close(&printer->json);
	json_close(&printer->json);
	json_finish(&printer->json);
	return r;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct objects_options *options = arguments;
	CLEAN(listing_freep) struct listing *listing = NULL;
	CLEAN(object_dirs_close) struct object_dirs dirs = {0};
	struct printer printer = {
		.dirs = options->missing ? &dirs : NULL,
		.as_json = options->common.json,
	};
	struct diag why = {0};
	int r;

	(void)operand_count;
	r = listing_open(operands[0], options->common.repo, options->filters.items, &listing, &why);
	if (r == 0 && options->missing)
		r = object_dirs_open(listing_source(listing), options->objects, &dirs, &why);
	if (r == 0)
		r = list(listing, &printer, &why);
	if (r < 0)
		return report_failure(r, &why, "list objects of image '%s'", operands[0]);
	return STATUS_DONE;
}

const struct command command_objects = {
	.name = "objects",
	.operands = "IMAGE",
	.summary = "list the objects an image needs",
	.details = "One path below the object directory a line, each once, in byte order.\n",
	.rows = rows,
	.options_size = sizeof(struct objects_options),
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};
