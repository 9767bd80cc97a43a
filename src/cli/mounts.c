/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/idmap.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/json.h"
#include "cli/report.h"
#include "ops/mounts.h"

struct mounts_options {
	struct common_options common;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	OPTIONS_END,
};

/* Prints into memory first: a listing that fails half-way leaves nothing on stdout. */
struct printer {
	const struct mounts_options *options;
	FILE *out; /* owned */
	struct json json;
	size_t count;
};

/* "0:100000:65536", and how many more of uids and gids. */
static void print_map(FILE *out, const struct idmaps *maps)
{
	char text[64] = "-";

	if (maps && maps->uids.count > 0) {
		const struct idmap_extent *extent = &maps->uids.extents[0];
		uint32_t more = maps->uids.count - 1;

		(void)snprintf(text, sizeof(text), more ? "%u:%u:%u,..." : "%u:%u:%u",
			       extent->inside, extent->outside, extent->count);
	}
	(void)fprintf(out, "%-20s", text);
}

static void print_row(struct printer *printer, const struct mount_report *report)
{
	FILE *out = printer->out;

	if (printer->count++ == 0)
		(void)fputs(
			"STATE        MODE        PID      MAP                   IMAGE  TARGET\n",
			out);
	(void)fprintf(out, "%-11s  %-10s  ", mount_state_name(report->state), report->mode);
	if (report->server_pid)
		(void)fprintf(out, "%-7d  ", (int)report->server_pid);
	else
		(void)fputs("-        ", out);
	print_map(out, report->maps);
	(void)fputs("  ", out);
	(void)print_escaped(out, report->image);
	(void)fputs("  ", out);
	(void)print_escaped(out, report->target ? report->target : "-");
	(void)fputc('\n', out);
}

static void json_map(struct json *json, const char *key, const struct idmap *map)
{
	if (!map) {
		json_text(json, key, NULL);
		return;
	}
	json_open(json, key, '[');
	for (size_t i = 0; i < map->count; i++) {
		json_open(json, NULL, '[');
		json_number(json, NULL, map->extents[i].inside);
		json_number(json, NULL, map->extents[i].outside);
		json_number(json, NULL, map->extents[i].count);
		json_close(json);
	}
	json_close(json);
}

static void json_path(struct json *json, const char *key, const char *path)
{
	if (path)
		json_bytes(json, key, span_of_string(path));
	else
		json_text(json, key, NULL);
}

static void json_known(struct json *json, const char *key, uint64_t number)
{
	if (number)
		json_number(json, key, number);
	else
		json_text(json, key, NULL);
}

static void json_mount(struct json *json, const struct mount_report *report)
{
	json_bytes(json, "image", span_of_string(report->image));
	if (report->digest)
		json_digest(json, "digest", report->digest);
	else
		json_text(json, "digest", NULL);
	json_text(json, "mode", report->mode);
	json_path(json, "target", report->target);
	json_path(json, "upper", report->upper);
	json_map(json, "uids", report->maps ? &report->maps->uids : NULL);
	json_map(json, "gids", report->maps ? &report->maps->gids : NULL);
	json_known(json, "server_pid", (uint64_t)report->server_pid);
	json_known(json, "mount_namespace", report->mount_namespace);
	json_known(json, "mount_id", report->mount_id);
	json_known(json, "mount_id_unique", report->unique_id);
	json_time(json, "created", report->created, 0);
}

static int print_one(void *context, const struct mount_report *report, struct diag *why)
{
	struct printer *printer = context;
	struct json *json = &printer->json;

	(void)why;
	if (!printer->options->common.json) {
		if (report->unreadable)
			report_note("record %s: %s", report->id, report->unreadable);
		else
			print_row(printer, report);
		return 0;
	}
	json_open(json, NULL, '{');
	json_text(json, "id", report->id);
	json_text(json, "state", mount_state_name(report->state));
	json_bool(json, "in_repository", report->in_repository);
	if (report->unreadable)
		json_text(json, "unreadable", report->unreadable);
	else
		json_mount(json, report);
	json_close(json);
	return 0;
}

static int list(struct printer *printer, struct diag *why)
{
	bool as_json = printer->options->common.json;
	int r;

	json_start(&printer->json, printer->out);
	if (as_json) {
		json_open(&printer->json, NULL, '{');
		json_open(&printer->json, "mounts", '[');
	}
	r = mounts_each(printer->options->common.repo, print_one, printer, why);
	if (as_json) {
		json_close(&printer->json);
		json_close(&printer->json);
		json_finish(&printer->json);
	}
	return r;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct mounts_options *options = arguments;
	CLEAN(memory_freep) char *text = NULL;
	struct printer printer = {.options = options};
	struct diag why = {0};
	size_t size;
	int r;

	(void)operand_count;
	(void)operands;
	printer.out = open_memstream(&text, &size);
	if (!printer.out)
		return report_failure(-ENOMEM, NULL, "list mounts");
	r = list(&printer, &why);
	if (fclose(printer.out) != 0 && r == 0)
		r = -ENOMEM;
	if (r < 0)
		return report_failure(r, &why, "list mounts");
	(void)fwrite(text, 1, size, stdout);
	return STATUS_DONE;
}

const struct command command_mounts = {
	.name = "mounts",
	.operands = "",
	.summary = "list what is mounted from the repository",
	.details = "Of the repository's images wherever they are mounted, and of image files that "
		   "you mounted.\n"
		   "\n"
		   "states:\n"
		   "  live         mounted\n"
		   "  dead-server  mounted, but its server is gone: lamina umount takes it away\n"
		   "  stale        not mounted any more\n"
		   "  unknown      cannot be told from here: counts as mounted\n"
		   "\n"
		   "A mount without TARGET was handed over (lamina mount --send-fd).\n",
	.rows = rows,
	.options_size = sizeof(struct mounts_options),
	.operand_min = 0,
	.operand_max = 0,
	.run = run,
};
