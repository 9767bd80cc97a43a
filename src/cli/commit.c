/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "ops/commit.h"
#include "ops/container_find.h"
#include "ops/repository.h"

struct commit_options {
	struct common_options common;
	struct ids_options ids;
	const char *base;
	const char *timestamp;
	const char *author;
	const char *message;
	struct option_list changes;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	COMMON_PROGRESS_OPTIONS,
	{"base", 'b', OPTION_TEXT, offsetof(struct commit_options, base), "IMAGE",
	 "what UPPERDIR was the upper directory of (default: that of CONTAINER, else nothing)"},
	{"timestamp", 0, OPTION_TEXT, offsetof(struct commit_options, timestamp), "SECONDS",
	 "of the image and all files in its layer: equal files, equal digests"},
	{"author", 'a', OPTION_TEXT, offsetof(struct commit_options, author), "TEXT",
	 "who made it (default: as the base)"},
	{"message", 'm', OPTION_TEXT, offsetof(struct commit_options, message), "TEXT",
	 "a comment for the history"},
	{"change", 'c', OPTION_LIST, offsetof(struct commit_options, changes), "INSTRUCTION",
	 "how it runs, such as 'CMD [\"sh\"]'; may be repeated"},
	IDS_OPTIONS(struct commit_options),
	OPTIONS_END,
};

static void print_text(const struct commit_result *result, bool quiet)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)printf("%s:%s\n",
		     digest_algorithm_name((enum digest_algorithm)result->image.manifest.algorithm),
		     digest_hex(&result->image.manifest, hex));
	if (quiet)
		return;
	report_note("%s: %zu layers, the new one with %" PRIu64 " entries (%.1f MB); %" PRIu64
		    " new objects (%.1f MB)",
		    result->image.tag, result->image.layer_count, result->entry_count,
		    (double)result->layer_bytes / 1e6, result->image.added_count,
		    (double)result->image.added_bytes / 1e6);
	if (result->socket_count)
		report_note("%" PRIu64 " sockets were left out: layers have no place for them",
			    result->socket_count);
}

static void print_json(const struct commit_result *result)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_bytes(&json, "name", span_of_string(result->image.tag));
	json_digest(&json, "manifest", &result->image.manifest);
	json_digest(&json, "config", &result->image.config);
	json_digest(&json, "image", &result->image.image);
	json_number(&json, "format", result->image.version);
	json_digest(&json, "diff_id", &result->diff_id);
	json_number(&json, "layers", result->image.layer_count);
	json_number(&json, "layer_bytes", result->layer_bytes);
	json_number(&json, "layer_entries", result->entry_count);
	json_number(&json, "left_out_sockets", result->socket_count);
	json_number(&json, "new_objects", result->image.added_count);
	json_number(&json, "new_bytes", result->image.added_bytes);
	json_close(&json);
	json_finish(&json);
}

static int timestamp_parse(const char *text, struct commit_request *request)
{
	char *end;

	if (!text)
		return 0;
	errno = 0;
	request->timestamp = strtoll(text, &end, 10);
	request->has_timestamp = true;
	if (errno == 0 && *text && *end == '\0' && request->timestamp >= 0)
		return 0;
	(void)fprintf(stderr, "lamina commit: '--timestamp' is seconds since 1970, not '%s'\n",
		      text);
	return -EINVAL;
}

/* What is no directory may be a container's name: one that is both is a directory. */
static int upper_find(const struct commit_options *options, struct commit_request *request,
		      struct container_upper *ret, struct diag *why)
{
	struct stat stat;
	int r;

	if (strchr(request->upper, '/') || lstat(request->upper, &stat) == 0)
		return 0;
	r = container_find(options->common.repo, request->upper, ret, why);
	if (r < 0)
		return r;
	request->upper = ret->upper;
	if (!request->base)
		request->base = ret->image;
	if (!options->common.quiet)
		report_note("the container goes on: what it writes now may be missing");
	return 0;
}

static int commit(const struct commit_options *options, struct commit_request *request,
		  struct commit_result *ret, struct diag *why)
{
	CLEAN(repository_closep) struct store *store = NULL;
	CLEAN(container_upper_release) struct container_upper container = {0};
	struct progress_printer printer;
	int r;

	r = upper_find(options, request, &container, why);
	if (r == 0)
		r = repository_open(options->common.repo, &store, why);
	if (r < 0)
		return r;
	progress_printer_init(&printer, &options->common);
	request->progress = progress_printer_sink(&printer);
	r = commit_image(store, request, ret, why);
	progress_printer_end(&printer);
	return r;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct commit_options *options = arguments;
	struct commit_request request = {
		.upper = operands[0],
		.name = operands[1],
		.base = options->base,
		.author = options->author,
		.message = options->message,
		.changes = options->changes.items,
	};
	CLEAN(commit_result_release) struct commit_result result = {0};
	struct diag why = {0};
	int r;

	(void)operand_count;
	if (timestamp_parse(options->timestamp, &request) < 0 ||
	    ids_options_request("commit", &options->ids, &request.ids) < 0)
		return STATUS_USAGE;
	r = commit(options, &request, &result, &why);
	if (r < 0)
		return report_failure(r, &why, "commit '%s' as '%s'", operands[0], operands[1]);
	if (options->common.json)
		print_json(&result);
	else
		print_text(&result, options->common.quiet);
	return STATUS_DONE;
}

const struct command command_commit = {
	.name = "commit",
	.operands = "UPPERDIR|CONTAINER NAME",
	.summary = "make an image of what a container has changed",
	.details =
		"UPPERDIR is the upper directory of an overlay, as 'lamina run --upper' and "
		"'lamina\n"
		"mount --upper' leave it; nothing may write to it meanwhile. It becomes the "
		"topmost\n"
		"layer of an image that else is what --base names. Without --base, directories "
		"that\n"
		"were renamed and files of which only metadata changed are refused: what is in "
		"them "
		"is\n"
		"below. CONTAINER is the name of one that runs: 'lamina run --name --upper'.\n"
		"\n"
		"--change takes CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME and\n"
		"WORKDIR, such as 'ENV A=b'. With an id map, owners INSIDE, for the image, are "
		"OUTSIDE\n"
		"in UPPERDIR; what root of the machine has mounted with a map needs none. What "
		"was\n"
		"written without privilege, 'lamina unshare -- lamina commit' can read all of.\n"
		"\n" MAP_DETAILS,
	.rows = rows,
	.options_size = sizeof(struct commit_options),
	.operand_min = 2,
	.operand_max = 2,
	.run = run,
};
