/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/listing.h"
#include "cli/report.h"
#include "ops/listing.h"

struct ls_options {
	struct common_options common;
	struct option_list filters;
	bool long_form;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	{"filter", 0, OPTION_LIST, offsetof(struct ls_options, filters), "NAME",
	 "only this entry of the root directory; may be repeated"},
	{"long", 'l', OPTION_FLAG, offsetof(struct ls_options, long_form), NULL,
	 "mode, owner and size before each path"},
	OPTIONS_END,
};

static const char *type_name(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFCHR:
		return "character";
	case S_IFBLK:
		return "block";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "unknown";
	}
}

static int print_json(void *context, const struct listing_entry *entry, struct diag *why)
{
	struct json *json = context;

	(void)why;
	json_open(json, NULL, '{');
	json_bytes(json, "path", entry->path);
	json_text(json, "type", type_name(entry->mode));
	json_number(json, "mode", entry->mode & 07777);
	json_number(json, "nlink", entry->nlink);
	json_number(json, "uid", entry->uid);
	json_number(json, "gid", entry->gid);
	json_number(json, "size", entry->size);
	json_time(json, "mtime", entry->mtime_sec, entry->mtime_nsec);
	if (S_ISLNK(entry->mode))
		json_bytes(json, "target", entry->target);
	if (S_ISCHR(entry->mode) || S_ISBLK(entry->mode))
		json_number(json, "rdev", entry->rdev);
	if (entry->object.size)
		json_bytes(json, "object", entry->object);
	if (entry->digest.algorithm != DIGEST_NONE)
		json_digest(json, "digest", &entry->digest);
	json_close(json);
	return 0;
}

static int print_long(void *context, const struct listing_entry *entry, struct diag *why)
{
	(void)printf("%06o %5" PRIu32 " %5" PRIu32 " %10" PRIu64 " ", entry->mode, entry->uid,
		     entry->gid, entry->size);
	return listing_print_path(context, entry, why);
}

static int list(const struct listing *listing, const struct ls_options *options, struct diag *why)
{
	struct json json;
	int r;

	if (!options->common.json)
		return listing_paths(listing, options->long_form ? print_long : listing_print_path,
				     stdout, why);
	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_open(&json, "entries", '[');
	r = listing_paths(listing, print_json, &json, why);
	json_close(&json);
	json_close(&json);
	json_finish(&json);
	return r;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct ls_options *options = arguments;
	CLEAN(listing_freep) struct listing *listing = NULL;
	struct diag why = {0};
	int r;

	(void)operand_count;
	r = listing_open(operands[0], options->common.repo, options->filters.items, &listing, &why);
	if (r == 0)
		r = list(listing, options, &why);
	if (r < 0)
		return report_failure(r, &why, "list image '%s'", operands[0]);
	return STATUS_DONE;
}

const struct command command_ls = {
	.name = "ls",
	.operands = "IMAGE",
	.summary = "list the files of an image",
	.details = "IMAGE is a name or digest in the repository, or a path to an image file.\n",
	.rows = rows,
	.options_size = sizeof(struct ls_options),
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};
