/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdio.h>

#include "base/diag.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/report.h"
#include "ops/digest.h"

struct digest_options {
	struct common_options common;
	const char *algorithm;
	uint64_t threads;
	bool measure;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	{"algorithm", 0, OPTION_TEXT, offsetof(struct digest_options, algorithm), "sha256|sha512",
	 "hash to use (default: sha256)"},
	{"measure", 0, OPTION_FLAG, offsetof(struct digest_options, measure), NULL,
	 "ask the kernel first; compute only where a file has no fs-verity"},
	{"threads", 0, OPTION_NUMBER, offsetof(struct digest_options, threads), "N",
	 "files at a time (default: one a CPU)"},
	OPTIONS_END,
};

struct printer {
	bool as_json;
	struct json json;
	int status;
};

static void print_one(void *context, const struct digest_result *result, struct diag *why)
{
	struct printer *printer = context;
	char hex[DIGEST_HEX_SIZE_MAX];

	if (result->error) {
		int status = report_failure(result->error, why, "digest '%s'", result->path);

		printer->status = printer->status > status ? printer->status : status;
		return;
	}
	if (!printer->as_json) {
		(void)printf("%s:%s %s\n",
			     digest_algorithm_name((enum digest_algorithm)result->name.algorithm),
			     digest_hex(&result->name, hex), result->path);
		return;
	}
	json_open(&printer->json, NULL, '{');
	json_bytes(&printer->json, "path", span_of_string(result->path));
	json_digest(&printer->json, "digest", &result->name);
	json_number(&printer->json, "size", result->size_bytes);
	json_close(&printer->json);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct digest_options *options = arguments;
	struct digest_request request = {
		.algorithm = algorithm_option(&command_digest, options->algorithm),
		.thread_count = (unsigned int)options->threads,
		.measure = options->measure,
	};
	struct printer printer = {.as_json = options->common.json};
	int r;

	if (request.algorithm == DIGEST_NONE)
		return STATUS_USAGE;
	json_start(&printer.json, stdout);
	if (printer.as_json) {
		json_open(&printer.json, NULL, '{');
		json_open(&printer.json, "files", '[');
	}
	r = digest_files(&request, operands, (size_t)operand_count, print_one, &printer, NULL);
	if (printer.as_json) {
		json_close(&printer.json);
		json_close(&printer.json);
		json_finish(&printer.json);
	}
	if (r < 0 && printer.status == STATUS_DONE)
		return report_failure(r, NULL, "digest");
	return printer.status;
}

const struct command command_digest = {
	.name = "digest",
	.operands = "FILE...",
	.summary = "print fs-verity digests of files",
	.details = "The digest is the one 'fsverity digest' prints: 4096-byte blocks, no salt.\n",
	.rows = rows,
	.options_size = sizeof(struct digest_options),
	.operand_min = 1,
	.operand_max = -1,
	.run = run,
};
