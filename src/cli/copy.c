/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/inspected.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/registry.h"
#include "cli/report.h"
#include "ops/copy.h"

struct copy_options {
	struct common_options common;
	struct registry_command_options source;
	struct registry_command_options target;
	const char *auth_file; /* of both, unless one has its own */
	const char *platform;
	uint64_t jobs;
	bool all;
};

#define SIDE_OPTION(side, part) REGISTRY_OPTION(struct copy_options, side, part)

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_PROGRESS_OPTIONS,
	{"all", 'a', OPTION_FLAG, offsetof(struct copy_options, all), NULL,
	 "the index with all platforms, not the image of one"},
	{"platform", 0, OPTION_TEXT, offsetof(struct copy_options, platform), "OS/ARCH[/VARIANT]",
	 "which of several (default: this machine's)"},
	{"jobs", 'j', OPTION_NUMBER, offsetof(struct copy_options, jobs), "N",
	 "blobs at a time (default: 3)"},
	{"authfile", 0, OPTION_TEXT, offsetof(struct copy_options, auth_file), "FILE",
	 "credentials from here (default: containers-auth.json(5))"},
	{"src-authfile", 0, OPTION_TEXT, SIDE_OPTION(source, auth_file), "FILE",
	 "those for SOURCE"},
	{"dest-authfile", 0, OPTION_TEXT, SIDE_OPTION(target, auth_file), "FILE",
	 "those for TARGET"},
	{"src-creds", 0, OPTION_TEXT, SIDE_OPTION(source, credentials), "USER[:PASSWORD]",
	 "who to be to the registry of SOURCE"},
	{"dest-creds", 0, OPTION_TEXT, SIDE_OPTION(target, credentials), "USER[:PASSWORD]",
	 "who to be to the registry of TARGET"},
	{"src-cert-dir", 0, OPTION_TEXT, SIDE_OPTION(source, certs_dir), "DIR",
	 "certificates for SOURCE (default: containers-certs.d(5))"},
	{"dest-cert-dir", 0, OPTION_TEXT, SIDE_OPTION(target, certs_dir), "DIR",
	 "the same for TARGET"},
	{"timeout", 0, OPTION_NUMBER, SIDE_OPTION(source, timeout_s), "SECONDS",
	 REGISTRY_TIMEOUT_HELP},
	{"src-tls-verify", 0, OPTION_TEXT, SIDE_OPTION(source, tls_verify), "true|false",
	 "whether certificates of SOURCE count (default: registries.conf)"},
	{"dest-tls-verify", 0, OPTION_TEXT, SIDE_OPTION(target, tls_verify), "true|false",
	 "the same of TARGET"},
	OPTIONS_END,
};

static void print_text(const struct copy_result *result, bool quiet)
{
	char hex[DIGEST_HEX_SIZE_MAX], size[SIZE_TEXT_MAX];

	(void)printf("%s:%s\n",
		     digest_algorithm_name((enum digest_algorithm)result->manifest.algorithm),
		     digest_hex(&result->manifest, hex));
	if (quiet)
		return;
	report_note("%zu manifests, %zu blobs; %s sent, %zu blobs were there",
		    result->manifest_count, result->blob_count, size_text(result->sent_bytes, size),
		    result->present_count);
	if (result->mounted_count)
		report_note("%zu came from another repository of the registry",
			    result->mounted_count);
}

static void print_json(const struct copy_result *result)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_digest(&json, "manifest", &result->manifest);
	json_number(&json, "manifests", result->manifest_count);
	json_number(&json, "blobs", result->blob_count);
	json_number(&json, "present_blobs", result->present_count);
	json_number(&json, "mounted_blobs", result->mounted_count);
	json_number(&json, "sent_bytes", result->sent_bytes);
	json_close(&json);
	json_finish(&json);
}

static int copy(const struct copy_options *options, struct copy_request *request)
{
	struct progress_printer printer;
	struct copy_result result;
	struct diag why = {0};
	int r;

	progress_printer_init(&printer, &options->common);
	request->progress = progress_printer_sink(&printer);
	r = copy_image(request, &result, &why);
	progress_printer_end(&printer);
	if (r < 0)
		return report_failure(r, &why, "copy '%s' to '%s'", request->source,
				      request->target);
	if (options->common.json)
		print_json(&result);
	else
		print_text(&result, options->common.quiet);
	return STATUS_DONE;
}

/* What one side's options say; prefix is that of their names. */
static int access_make(const struct copy_options *options,
		       const struct registry_command_options *side, const char *prefix,
		       struct registry_access **ret)
{
	struct registry_command_options own = *side;

	own.prefix = prefix;
	own.timeout_s = options->source.timeout_s; /* of both */
	if (!own.auth_file)
		own.auth_file = options->auth_file;
	return registry_access_make(&command_copy, &own, ret);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct copy_options *options = arguments;
	struct copy_request request = {
		.source = operands[0],
		.target = operands[1],
		.platform = options->platform,
		.all = options->all,
	};
	CLEAN(registry_access_freep) struct registry_access *source = NULL;
	CLEAN(registry_access_freep) struct registry_access *target = NULL;

	(void)operand_count;
	if (options->jobs > COPY_JOBS_MAX) {
		(void)fprintf(stderr, "lamina copy: '--jobs' is at most %d\n", COPY_JOBS_MAX);
		return STATUS_USAGE;
	}
	if (options->all && options->platform) {
		(void)fputs("lamina copy: '--all' and '--platform' exclude each other\n", stderr);
		return STATUS_USAGE;
	}
	if (access_make(options, &options->source, "src-", &source) < 0 ||
	    access_make(options, &options->target, "dest-", &target) < 0)
		return STATUS_USAGE;
	request.jobs = (unsigned int)options->jobs;
	request.source_registry = *registry_access_options(source);
	request.target_registry = *registry_access_options(target);
	return copy(options, &request);
}

const struct command command_copy = {
	.name = "copy",
	.operands = "SOURCE TARGET",
	.summary = "copy an image from anywhere to anywhere",
	.details =
		"SOURCE and TARGET are each one of\n"
		"  [docker://]HOST[:PORT]/PATH[:TAG][@DIGEST]\n"
		"  oci:DIR[:NAME]  oci-archive:FILE[:NAME]  docker-archive:FILE[:NAME:TAG]\n"
		"  dir:DIR\n"
		"or SOURCE is containers-storage:NAME (of podman and buildah). No repository is\n"
		"needed. Manifests and blobs stay what they are, to the byte, and each is held to "
		"its\n"
		"digest; only a docker-archive is made of inflated layers. Prints the digest of "
		"what\n"
		"TARGET leads to.\n",
	.rows = rows,
	.options_size = sizeof(struct copy_options),
	.operand_min = 2,
	.operand_max = 2,
	.run = run,
};
