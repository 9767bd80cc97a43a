/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * composefs_info.c - the commands of composefs-info(1) on top of ops/listing
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/report.h"
#include "ops/digest.h"
#include "ops/listing.h"
#include "ops/source.h"

struct info_options {
	struct option_list filters;
	const char *basedir;
	bool help;
};

static const struct option_row rows[] = {
	{"basedir", 0, OPTION_TEXT, offsetof(struct info_options, basedir), "PATH",
	 "Where missing-objects looks"},
	{"filter", 0, OPTION_LIST, offsetof(struct info_options, filters), "NAME",
	 "Only this entry of the root directory; may be repeated"},
	{"help", 'h', OPTION_FLAG, offsetof(struct info_options, help), NULL, "Show this help"},
	OPTIONS_END,
};

static const struct option_table table = {"composefs-info", rows};

static int print_all(const struct listing *listing, const struct object_dirs *dirs,
		     struct diag *why)
{
	(void)dirs;
	return listing_paths(listing, listing_print_path, stdout, why);
}

static int print_dump(const struct listing *listing, const struct object_dirs *dirs,
		      struct diag *why)
{
	(void)dirs;
	return listing_dump(listing, stdout, why);
}

static int print_objects(const struct listing *listing, const struct object_dirs *dirs,
			 struct diag *why)
{
	(void)dirs;
	return listing_objects(listing, listing_print_object, stdout, why);
}

static int print_if_missing(void *context, const struct listing_object *object, struct diag *why)
{
	if (object_dirs_have(context, object->path))
		return 0;
	return listing_print_object(stdout, object, why);
}

static int print_missing(const struct listing *listing, const struct object_dirs *dirs,
			 struct diag *why)
{
	return listing_objects(listing, print_if_missing, (void *)dirs, why);
}

static const struct {
	const char *name;
	int (*print)(const struct listing *listing, const struct object_dirs *dirs,
		     struct diag *why);
	bool needs_basedir;
} verbs[] = {
	{"ls", print_all, false},
	{"dump", print_dump, false},
	{"objects", print_objects, false},
	{"missing-objects", print_missing, true},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static void print_digest(void *context, const struct digest_result *result, struct diag *why)
{
	char hex[DIGEST_HEX_SIZE_MAX];
	int *status = context;

	if (result->error) {
		(void)report_failure(result->error, why, "measure '%s'", result->path);
		*status = STATUS_FAILED;
		return;
	}
	(void)printf("%s\n", digest_hex(&result->name, hex));
}

static int measure_files(int count, char **paths)
{
	const struct digest_request request = {.algorithm = DIGEST_SHA256, .measure = true};
	struct diag why = {0};
	int status = STATUS_DONE;
	int r = digest_files(&request, paths, (size_t)count, print_digest, &status, &why);

	return r < 0 ? STATUS_FAILED : status;
}

static int image_show(size_t verb, const struct info_options *options, const char *path)
{
	CLEAN(listing_freep) struct listing *listing = NULL;
	CLEAN(object_dirs_close) struct object_dirs dirs = {0};
	struct diag why = {0};
	int r;

	r = listing_open_file(path, options->filters.items, &listing, &why);
	if (r == 0 && verbs[verb].needs_basedir)
		r = object_dirs_open(listing_source(listing), options->basedir, &dirs, &why);
	if (r == 0)
		r = verbs[verb].print(listing, &dirs, &why);
	if (r < 0) {
		(void)report_failure(r, &why, "open '%s'", path);
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

static int usage(FILE *out, int status)
{
	(void)fputs("usage: composefs-info [--basedir=PATH] [--filter=NAME]... "
		    "ls|objects|dump|missing-objects|measure-file IMAGE...\n",
		    out);
	if (status == STATUS_DONE)
		options_print(&table, out);
	return status;
}

static size_t verb_find(const char *name)
{
	size_t i = 0;

	while (i < VERB_COUNT && strcmp(verbs[i].name, name) != 0)
		i++;
	return i;
}

int composefs_info_main(int argc, char **argv)
{
	struct info_options options = {0};
	int first = options_parse(&table, argc, argv, &options);
	int status = STATUS_DONE;
	size_t verb;

	report_setup("composefs-info", false);
	if (first < 0)
		return usage(stderr, STATUS_FAILED);
	if (options.help)
		return usage(stdout, STATUS_DONE);
	if (first >= argc) {
		(void)fputs("No command specified\n", stderr);
		return usage(stderr, STATUS_FAILED);
	}
	if (strcmp(argv[first], "measure-file") == 0)
		return measure_files(argc - first - 1, argv + first + 1);
	verb = verb_find(argv[first]);
	if (verb == VERB_COUNT) {
		(void)fprintf(stderr, "Unknown command '%s'\n", argv[first]);
		return usage(stderr, STATUS_FAILED);
	}
	if (first + 1 >= argc) {
		(void)fputs("No image path specified\n", stderr);
		return usage(stderr, STATUS_FAILED);
	}
	if (verbs[verb].needs_basedir && !options.basedir) {
		(void)fputs("composefs-info: missing-objects needs --basedir\n", stderr);
		return STATUS_FAILED;
	}
	for (int i = first + 1; i < argc; i++) {
		if (image_show(verb, &options, argv[i]) != STATUS_DONE)
			status = STATUS_FAILED;
	}
	return status;
}
