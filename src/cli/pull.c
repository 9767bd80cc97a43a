/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/registry.h"
#include "cli/report.h"
#include "ops/pull.h"
#include "ops/repository.h"

struct pull_options {
	struct common_options common;
	struct registry_command_options registry;
	const char *platform;
	const char *expected_digest;
	uint64_t jobs;
	bool keep_blobs;
	bool bootable;
	bool lazy;
	bool no_fill;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	COMMON_PROGRESS_OPTIONS,
	{"platform", 0, OPTION_TEXT, offsetof(struct pull_options, platform), "OS/ARCH[/VARIANT]",
	 "which of several (default: this machine's)"},
	{"expected-digest", 0, OPTION_TEXT, offsetof(struct pull_options, expected_digest), "HEX",
	 "refuse unless the file tree has this fs-verity digest"},
	{"bootable", 0, OPTION_FLAG, offsetof(struct pull_options, bootable), NULL,
	 "make the image that boots, too: labelled by its SELinux policy"},
	{"keep-blobs", 0, OPTION_FLAG, offsetof(struct pull_options, keep_blobs), NULL,
	 "keep compressed layers, too: exports have the same digest then"},
	{"lazy", 0, OPTION_FLAG, offsetof(struct pull_options, lazy), NULL,
	 "fetch tables of contents only, and files when they are first read"},
	{"no-fill", 0, OPTION_FLAG, offsetof(struct pull_options, no_fill), NULL,
	 "with --lazy: do not bring the rest in the background"},
	{"jobs", 'j', OPTION_NUMBER, offsetof(struct pull_options, jobs), "N",
	 "layers at a time (default: 3)"},
	REGISTRY_OPTIONS(struct pull_options, registry),
	OPTIONS_END,
};

static void print_text(const struct pull_result *result, bool quiet)
{
	char hex[DIGEST_HEX_SIZE_MAX], platform[PLATFORM_TEXT_SIZE_MAX];

	(void)printf("%s:%s\n",
		     digest_algorithm_name((enum digest_algorithm)result->manifest.algorithm),
		     digest_hex(&result->manifest, hex));
	if (quiet)
		return;
	report_note("%s: %zu layers, %zu of them were there; %.1f MB read, %" PRIu64
		    " new objects (%.1f MB)",
		    result->tag, result->layer_count, result->present_count,
		    (double)result->blob_bytes / 1e6, result->added_count,
		    (double)result->added_bytes / 1e6);
	if (result->boot_image.algorithm != DIGEST_NONE)
		report_note(
			"the image that boots: %s:%s",
			digest_algorithm_name((enum digest_algorithm)result->boot_image.algorithm),
			digest_hex(&result->boot_image, hex));
	if (result->is_lazy)
		report_note("%zu layers left behind: %" PRIu64
			    " files (%.1f MB) come when they are read",
			    result->lazy_count, result->content_count,
			    (double)result->content_bytes / 1e6);
	if (result->lazy_why.text[0])
		report_note(result->is_lazy ? "not all of it is lazy: %s" : "not lazy: %s",
			    result->lazy_why.text);
	if (result->is_other_platform)
		report_note("the image is for %s", oci_platform_text(&result->platform, platform));
}

static void print_digest(struct json *json, const char *key, const struct digest *digest)
{
	if (digest->algorithm == DIGEST_NONE)
		json_text(json, key, NULL);
	else
		json_digest(json, key, digest);
}

static void print_json(const struct pull_result *result)
{
	char platform[PLATFORM_TEXT_SIZE_MAX];
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_bytes(&json, "name", span_of_string(result->tag));
	json_digest(&json, "manifest", &result->manifest);
	json_digest(&json, "config", &result->config);
	print_digest(&json, "image", &result->image);
	print_digest(&json, "boot_image", &result->boot_image);
	json_number(&json, "format", result->version);
	json_text(&json, "platform",
		  result->platform.os[0] ? oci_platform_text(&result->platform, platform) : NULL);
	json_number(&json, "layers", result->layer_count);
	json_number(&json, "present_layers", result->present_count);
	json_number(&json, "read_bytes", result->blob_bytes);
	json_number(&json, "new_objects", result->added_count);
	json_number(&json, "new_bytes", result->added_bytes);
	json_bool(&json, "lazy", result->is_lazy);
	json_number(&json, "lazy_layers", result->lazy_count);
	json_number(&json, "lazy_files", result->content_count);
	json_number(&json, "lazy_bytes", result->content_bytes);
	json_close(&json);
	json_finish(&json);
}

static int pull(const struct pull_options *options, struct pull_request *request,
		struct pull_result *ret, struct diag *why)
{
	CLEAN(repository_closep) struct store *store = NULL;
	struct progress_printer printer;
	int r;

	r = repository_open(options->common.repo, &store, why);
	if (r < 0)
		return r;
	progress_printer_init(&printer, &options->common);
	request->progress = progress_printer_sink(&printer);
	r = pull_image(store, request, ret, why);
	progress_printer_end(&printer);
	return r;
}

/* Files of other ids in a user's store are readable for root of his namespace. */
static int failure(int r, struct diag *why, const char *source)
{
	static const char storage[] = "containers-storage:";
	int status = report_failure(r, why, "pull '%s'", source);

	if (r == -EACCES && strncmp(source, storage, strlen(storage)) == 0)
		report_hint("lamina unshare lamina pull '%s'", source);
	return status;
}

static bool lazy_options_fit(const struct pull_options *options)
{
	const char *other = options->expected_digest ? "expected-digest"
			    : options->bootable      ? "bootable"
			    : options->keep_blobs    ? "keep-blobs"
						     : NULL;

	if (options->no_fill && !options->lazy)
		(void)fprintf(stderr, "lamina pull: '--no-fill' goes with '--lazy'\n");
	else if (options->lazy && other)
		(void)fprintf(stderr, "lamina pull: '--%s' takes the whole image: no '--lazy'\n",
			      other);
	else
		return true;
	return false;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct pull_options *options = arguments;
	struct pull_request request = {
		.source = operands[0],
		.name = operand_count > 1 ? operands[1] : NULL,
		.platform = options->platform,
		.expected_digest = options->expected_digest,
		.keep_blobs = options->keep_blobs,
		.bootable = options->bootable,
	};
	CLEAN(pull_result_release) struct pull_result result = {0};
	CLEAN(registry_access_freep) struct registry_access *access = NULL;
	struct diag why = {0};
	int r;

	if (options->jobs > PULL_JOBS_MAX) {
		(void)fprintf(stderr, "lamina pull: '--jobs' is at most %d\n", PULL_JOBS_MAX);
		return STATUS_USAGE;
	}
	if (!lazy_options_fit(options))
		return STATUS_USAGE;
	r = registry_access_make(&command_pull, &options->registry, &access);
	if (r < 0)
		return STATUS_USAGE;
	request.jobs = (unsigned int)options->jobs;
	request.registry = *registry_access_options(access);
	request.is_lazy = options->lazy;
	r = pull(options, &request, &result, &why);
	if (r < 0)
		return failure(r, &why, request.source);
	if (options->common.json)
		print_json(&result);
	else
		print_text(&result, options->common.quiet);
	if (result.is_lazy && !options->no_fill && fflush(stdout) == 0) {
		r = pull_fill_start(options->common.repo, &request, &result, &why);
		if (r < 0)
			report_note("the rest is not being brought: %s", diag_text(&why, r));
	}
	return STATUS_DONE;
}

const struct command command_pull = {
	.name = "pull",
	.operands = "SOURCE [NAME]",
	.summary = "bring an OCI image into the repository",
	.details =
		"SOURCE is one of\n"
		"  [docker://]HOST[:PORT]/PATH[:TAG][@DIGEST]\n"
		"  oci:DIR[:NAME]  oci-archive:FILE[:NAME]  docker-archive:FILE[:NAME:TAG]  "
		"dir:DIR\n"
		"  containers-storage:NAME  (of podman and buildah; [DRIVER@ROOT]NAME: of another "
		"store)\n"
		"NAME is what the image is called here: what SOURCE calls it, if there is none.\n"
		"Every byte is held to the digests of the manifest; nothing is named before all of "
		"it\n"
		"is on disk. With --lazy, from a registry, layers of zstd:chunked and eStargz stay "
		"there:\n"
		"the image can be mounted at once, files come when they are read, and the rest "
		"in the\n"
		"background; then, or after 'lamina pull' without --lazy, it is as any other.\n"
		"Prints the digest of the manifest. 'lamina mount NAME DIR' mounts "
		"it.\n",
	.rows = rows,
	.options_size = sizeof(struct pull_options),
	.operand_min = 1,
	.operand_max = 2,
	.run = run,
};
