/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mkcomposefs.c - the options of mkcomposefs(1) on top of ops/build
 *
 * What scripts and containers/storage call: exit status 1 for every failure, the bare hex digest on
 * stdout, the image refused on a terminal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "cli/command.h"
#include "cli/report.h"
#include "ops/build.h"

struct mkcomposefs_options {
	const char *digest_store;
	uint64_t min_version;
	uint64_t max_version;
	uint64_t threads;
	bool use_epoch;
	bool skip_devices;
	bool skip_xattrs;
	bool user_xattrs;
	bool print_digest;
	bool print_digest_only;
	bool from_file;
	bool hard_links;
	bool help;
};

#define FIELD(name) offsetof(struct mkcomposefs_options, name)
#define VERSION_NOT_GIVEN UINT64_MAX

static const struct option_row rows[] = {
	{"digest-store", 0, OPTION_TEXT, FIELD(digest_store), "PATH",
	 "Store content files in this directory"},
	{"use-epoch", 0, OPTION_FLAG, FIELD(use_epoch), NULL, "Make all mtimes zero"},
	{"skip-devices", 0, OPTION_FLAG, FIELD(skip_devices), NULL, "Don't store device nodes"},
	{"skip-xattrs", 0, OPTION_FLAG, FIELD(skip_xattrs), NULL, "Don't store file xattrs"},
	{"user-xattrs", 0, OPTION_FLAG, FIELD(user_xattrs), NULL, "Only store user.* xattrs"},
	{"print-digest", 0, OPTION_FLAG, FIELD(print_digest), NULL, "Print the image's digest"},
	{"print-digest-only", 0, OPTION_FLAG, FIELD(print_digest_only), NULL,
	 "Print the image's digest, write no image"},
	{"from-file", 0, OPTION_FLAG, FIELD(from_file), NULL,
	 "The source is a dump file, not a directory"},
	{"min-version", 0, OPTION_NUMBER, FIELD(min_version), "N",
	 "Lowest format version to write (default: 0)"},
	{"max-version", 0, OPTION_NUMBER, FIELD(max_version), "N",
	 "Highest format version to write (default: 1)"},
	{"threads", 0, OPTION_NUMBER, FIELD(threads), "N", "Files hashed and copied at a time"},
	{"hardlinks", 0, OPTION_FLAG, FIELD(hard_links), NULL, "Detect hard links"},
	{"help", 'h', OPTION_FLAG, FIELD(help), NULL, "Show this help"},
	OPTIONS_END,
};

static const struct option_table table = {"mkcomposefs", rows};

static int usage(FILE *out, int status)
{
	(void)fputs("Usage: mkcomposefs [OPTIONS] SOURCE IMAGE\nOptions:\n", out);
	options_print(&table, out);
	return status;
}

/* That of mkcomposefs; what is above is refused, the version that only lamina writes too. */
static uint32_t version_of(uint64_t given)
{
	return given > 1 ? UINT32_MAX : (uint32_t)given;
}

/*
 * Only --min-version raises the maximum to itself; only --max-version leaves the minimum at 0
 * (composefs-image.md, first table).
 */
static struct erofs_version_range versions_of(const struct mkcomposefs_options *options)
{
	bool has_min = options->min_version != VERSION_NOT_GIVEN;
	bool has_max = options->max_version != VERSION_NOT_GIVEN;
	uint64_t min = has_min ? options->min_version : 0;
	uint64_t max = has_max ? options->max_version : has_min ? min : 1;

	return (struct erofs_version_range){version_of(min), version_of(max)};
}

static int operands_check(const struct mkcomposefs_options *options, int count, char **operands)
{
	if (count < 1) {
		(void)fputs("No source path specified\n", stderr);
		return usage(stderr, STATUS_FAILED);
	}
	if (options->print_digest_only && count > 1) {
		(void)fputs("IMAGE must be unspecified with --print-digest-only\n", stderr);
		return STATUS_FAILED;
	}
	if (!options->print_digest_only && count < 2) {
		(void)fputs("No destination path specified\n", stderr);
		return usage(stderr, STATUS_FAILED);
	}
	if (count > 2)
		return usage(stderr, STATUS_FAILED);
	if (!options->print_digest_only && strcmp(operands[1], "-") == 0 && isatty(STDOUT_FILENO)) {
		(void)fputs("mkcomposefs: stdout is a tty, refusing to write an image there\n",
			    stderr);
		return STATUS_FAILED;
	}
	return STATUS_DONE;
}

static int build(const struct mkcomposefs_options *options, char **operands)
{
	struct build_request request = {
		.input = operands[0],
		.output = options->print_digest_only ? NULL : operands[1],
		.object_dir = options->from_file ? NULL : options->digest_store,
		.options =
			{
				.kind = options->from_file ? INPUT_DUMP : INPUT_DIRECTORY,
				.algorithm = DIGEST_SHA256,
				.thread_count = (unsigned int)(options->threads & UINT32_MAX),
				.skip_xattrs = options->skip_xattrs,
				.user_xattrs = options->user_xattrs,
				.skip_devices = options->skip_devices,
				.use_epoch = options->use_epoch,
				.no_hard_links = !options->hard_links,
				.strict_dump = getenv("CFS_PARSE_STRICT") != NULL,
			},
		.versions = versions_of(options),
	};
	struct build_result result;
	struct diag why = {0};
	char hex[DIGEST_HEX_SIZE_MAX];
	int r = build_image(&request, &result, &why);

	if (r < 0) {
		(void)report_failure(r, &why, "make an image of '%s'", operands[0]);
		return STATUS_FAILED;
	}
	if (options->print_digest || options->print_digest_only)
		(void)printf("%s\n", digest_hex(&result.name, hex));
	return STATUS_DONE;
}

int mkcomposefs_main(int argc, char **argv)
{
	struct mkcomposefs_options options = {
		.min_version = VERSION_NOT_GIVEN,
		.max_version = VERSION_NOT_GIVEN,
	};
	int first = options_parse(&table, argc, argv, &options);
	int status;

	report_setup("mkcomposefs", false);
	if (first < 0)
		return usage(stderr, STATUS_FAILED);
	if (options.help)
		return usage(stdout, STATUS_DONE);
	if (options.skip_xattrs && options.user_xattrs) {
		(void)fputs("mkcomposefs: --skip-xattrs and --user-xattrs contradict\n", stderr);
		return STATUS_FAILED;
	}
	status = operands_check(&options, argc - first, argv + first);
	return status == STATUS_DONE ? build(&options, argv + first) : status;
}
