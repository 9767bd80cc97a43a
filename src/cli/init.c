/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/report.h"
#include "ops/repository.h"

struct init_options {
	struct common_options common;
	const char *algorithm;
	bool format_zero;
	bool secure;
	bool insecure;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	{"algorithm", 0, OPTION_TEXT, offsetof(struct init_options, algorithm), "sha256|sha512",
	 "how contents are named (default: sha256, as mkcomposefs and podman do)"},
	{"format-0", 0, OPTION_FLAG, offsetof(struct init_options, format_zero), NULL,
	 "write images of composefs version 0 instead of 1"},
	{"secure", 0, OPTION_FLAG, offsetof(struct init_options, secure), NULL,
	 "fail where the file system has no fs-verity"},
	{"insecure", 0, OPTION_FLAG, offsetof(struct init_options, insecure), NULL,
	 "do not use fs-verity even where it works"},
	OPTIONS_END,
};

static void print_result(const struct init_options *options, const char *path,
			 enum digest_algorithm algorithm, bool secure)
{
	struct json json;

	if (!options->common.json) {
		(void)printf("repository %s: %s, %s\n", path, digest_algorithm_name(algorithm),
			     secure ? "secure (fs-verity)" : "insecure (no fs-verity)");
		return;
	}
	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_text(&json, "repository", path);
	json_text(&json, "algorithm", digest_algorithm_name(algorithm));
	json_bool(&json, "secure", secure);
	json_number(&json, "format", options->format_zero ? 0 : 1);
	json_close(&json);
	json_finish(&json);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct init_options *options = arguments;
	const char *given = operand_count ? operands[0] : options->common.repo;
	CLEAN(memory_freep) char *path = repository_path(given);
	struct repository_options wanted = {
		.algorithm = algorithm_option(&command_init, options->algorithm),
		.security = options->secure     ? REPOSITORY_SECURE
			    : options->insecure ? REPOSITORY_INSECURE
						: REPOSITORY_SECURE_IF_POSSIBLE,
		.erofs_version = options->format_zero ? 0 : 1,
	};
	struct diag why = {0};
	bool secure;
	int r;

	if (wanted.algorithm == DIGEST_NONE)
		return STATUS_USAGE;
	if (options->secure && options->insecure) {
		(void)fprintf(stderr, "lamina init: --secure and --insecure contradict\n");
		return STATUS_USAGE;
	}
	if (!path)
		return report_failure(-ENOENT, NULL, "init: no path is given and $HOME is not set");
	r = repository_init(path, &wanted, &secure, &why);
	if (r < 0)
		return report_failure(r, &why, "init repository '%s'", path);
	print_result(options, path, wanted.algorithm, secure);
	return STATUS_DONE;
}

const struct command command_init = {
	.name = "init",
	.operands = "[DIR]",
	.summary = "make a repository",
	.details = "A repository of equal configuration that is there already is left as it is.\n",
	.rows = rows,
	.options_size = sizeof(struct init_options),
	.operand_min = 0,
	.operand_max = 1,
	.run = run,
};
