/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/inspected.h"
#include "cli/json.h"
#include "ops/inspect.h"

struct inspect_options {
	struct common_options common;
	bool manifest;
	bool config;
	bool raw;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	{"manifest", 0, OPTION_FLAG, offsetof(struct inspect_options, manifest), NULL,
	 "the manifest, to the byte as it was pulled"},
	{"config", 0, OPTION_FLAG, offsetof(struct inspect_options, config), NULL,
	 "the config, to the byte as it was pulled"},
	{"raw", 0, OPTION_FLAG, offsetof(struct inspect_options, raw), NULL,
	 "the same as --manifest, as skopeo has it"},
	OPTIONS_END,
};

/* As text */

static void print_line(const char *key, const char *value)
{
	if (!value || !value[0])
		return;
	(void)printf("%-11s ", key);
	(void)print_escaped(stdout, value);
	(void)putchar('\n');
}

static void print_digest(const char *key, const struct digest *digest)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	if (digest->algorithm == DIGEST_NONE)
		return;
	(void)printf("%-11s %s:%s\n", key,
		     digest_algorithm_name((enum digest_algorithm)digest->algorithm),
		     digest_hex(digest, hex));
}

static void print_texts(const char *key, const struct oci_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		print_line(i ? "" : key, texts->items[i]);
}

static void print_config(const struct inspected *image)
{
	const struct oci_config *config = image->config;
	char platform[PLATFORM_TEXT_SIZE_MAX];

	if (config->platform.os[0])
		print_line("platform", oci_platform_text(&config->platform, platform));
	print_line("created", config->created);
	print_line("author", config->author);
	print_texts("entrypoint", &config->entrypoint);
	print_texts("cmd", &config->cmd);
	print_texts("env", &config->env);
	print_line("user", config->user);
	print_line("workdir", config->working_dir);
	print_line("stop signal", config->stop_signal);
	print_texts("ports", &config->exposed_ports);
	print_texts("volumes", &config->volumes);
	for (size_t i = 0; i < image->label_count; i++) {
		(void)printf("%-11s ", i ? "" : "labels");
		(void)print_escaped(stdout, image->labels[i].key);
		(void)putchar('=');
		(void)print_escaped(stdout, image->labels[i].value);
		(void)putchar('\n');
	}
}

/* How the rest is coming. A failure's text, which a server may have had a say in, is escaped. */
static const char *fill_state(const struct inspected *image)
{
	return image->is_being_filled ? "running" : image->fill_failure.size ? "failed" : "none";
}

static void print_lazy(struct inspected *image)
{
	char here[SIZE_TEXT_MAX], all[SIZE_TEXT_MAX];

	if (!image->is_lazy)
		return;
	(void)printf("%-11s %" PRIu64 " of %" PRIu64 " files, %s of %s are here\n", "lazy",
		     image->here_count, image->lazy_count, size_text(image->here_bytes, here),
		     size_text(image->lazy_bytes, all));
	print_line("fill", fill_state(image));
	if (image->fill_failure.size)
		print_line("", buf_string(&image->fill_failure));
}

static void print_text(struct inspected *image)
{
	uint64_t blob_bytes = 0, tar_bytes = 0;
	char small[SIZE_TEXT_MAX], large[SIZE_TEXT_MAX];

	for (size_t i = 0; i < image->layer_count; i++) {
		blob_bytes += image->layers[i].blob->size;
		tar_bytes += image->layers[i].tar_bytes;
	}
	print_digest("manifest", &image->manifest);
	print_digest("config", &image->config_blob->digest);
	print_digest("image", &image->image);
	print_lazy(image);
	print_line("type", image->media_type);
	print_line("artifact", image->artifact_type);
	(void)printf("%-11s %zu, %s, without compression %s\n", "layers", image->layer_count,
		     size_text(blob_bytes, small), size_text(tar_bytes, large));
	if (image->config)
		print_config(image);
}

/* As JSON */

static void json_texts(struct json *json, const char *key, const struct oci_texts *texts)
{
	json_open(json, key, '[');
	for (size_t i = 0; i < texts->count; i++)
		json_text(json, NULL, texts->items[i]);
	json_close(json);
}

static void json_config(struct json *json, const struct inspected *image)
{
	const struct oci_config *config = image->config;

	json_open(json, "config", '{');
	json_texts(json, "env", &config->env);
	json_texts(json, "entrypoint", &config->entrypoint);
	json_texts(json, "cmd", &config->cmd);
	json_text(json, "user", config->user);
	json_text(json, "working_dir", config->working_dir);
	json_text(json, "stop_signal", config->stop_signal);
	json_texts(json, "volumes", &config->volumes);
	json_texts(json, "exposed_ports", &config->exposed_ports);
	json_open(json, "labels", '{');
	for (size_t i = 0; i < image->label_count; i++)
		json_text(json, image->labels[i].key, image->labels[i].value);
	json_close(json);
	json_close(json);
}

static void json_layers(struct json *json, const struct inspected *image)
{
	json_open(json, "layers", '[');
	for (size_t i = 0; i < image->layer_count; i++) {
		const struct inspected_layer *layer = &image->layers[i];

		json_open(json, NULL, '{');
		json_digest(json, "digest", &layer->blob->digest);
		inspected_json_digest(json, "diff_id", &layer->diff_id);
		json_text(json, "media_type", layer->blob->media_type);
		json_number(json, "bytes", layer->blob->size);
		json_number(json, "tar_bytes", layer->tar_bytes);
		json_close(json);
	}
	json_close(json);
}

static void print_json(const struct inspected *image)
{
	const struct oci_config *config = image->config;
	char platform[PLATFORM_TEXT_SIZE_MAX];
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_digest(&json, "manifest", &image->manifest);
	json_digest(&json, "config_digest", &image->config_blob->digest);
	inspected_json_digest(&json, "image", &image->image);
	json_text(&json, "media_type", image->media_type);
	json_text(&json, "artifact_type", image->artifact_type);
	json_text(&json, "platform",
		  config && config->platform.os[0] ? oci_platform_text(&config->platform, platform)
						   : NULL);
	json_text(&json, "created", config ? config->created : NULL);
	json_text(&json, "author", config ? config->author : NULL);
	json_bool(&json, "lazy", image->is_lazy);
	if (image->is_lazy) {
		json_number(&json, "lazy_files", image->lazy_count);
		json_number(&json, "lazy_bytes", image->lazy_bytes);
		json_number(&json, "here_files", image->here_count);
		json_number(&json, "here_bytes", image->here_bytes);
		json_text(&json, "fill", fill_state(image));
		json_bytes(&json, "fill_failure", buf_span(&image->fill_failure));
	}
	json_layers(&json, image);
	if (config)
		json_config(&json, image);
	json_close(&json);
	json_finish(&json);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct inspect_options *options = arguments;
	CLEAN(inspected_freep) struct inspected *image = NULL;
	int status;

	(void)operand_count;
	if (options->config && (options->manifest || options->raw)) {
		(void)fprintf(stderr, "lamina inspect: '--config' and '--manifest' are two\n");
		return STATUS_USAGE;
	}
	status = inspected_open(options->common.repo, operands[0], &image);
	if (status)
		return status;
	if (options->config)
		(void)fwrite(image->config_bytes.data, 1, image->config_bytes.size, stdout);
	else if (options->manifest || options->raw)
		(void)fwrite(image->manifest_bytes.data, 1, image->manifest_bytes.size, stdout);
	else if (options->common.json)
		print_json(image);
	else
		print_text(image);
	return STATUS_DONE;
}

const struct command command_inspect = {
	.name = "inspect",
	.operands = "IMAGE",
	.summary = "show what a pulled image is and how it wants to be run",
	.details = "IMAGE is a tag or the digest of a manifest. Text is for people; --json for\n"
		   "programs, and --manifest or --config for those who know OCI.\n",
	.rows = rows,
	.options_size = sizeof(struct inspect_options),
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};
