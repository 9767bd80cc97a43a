/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/report.h"
#include "ops/mount.h"

struct mount_options {
	struct common_options common;
	const char *objects;
	const char *mode;
	const char *upper;
	const char *work;
	const char *transport;
	const char *passthrough;
	uint64_t threads;
	uint64_t own_data;
	bool check_open;
	bool no_spin;
	bool foreground;
	bool explain;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_JSON_OPTION,
	COMMON_REPO_OPTION,
	{"objects", 0, OPTION_TEXT, offsetof(struct mount_options, objects), "DIR[:DIR...]",
	 "where file contents are (default: the repository)"},
	{"mode", 0, OPTION_TEXT, offsetof(struct mount_options, mode), "MODE",
	 "auto, kernel, overlay or standalone (default: auto)"},
	{"upper", 0, OPTION_TEXT, offsetof(struct mount_options, upper), "DIR",
	 "make the mount writable: changes go here"},
	{"work", 0, OPTION_TEXT, offsetof(struct mount_options, work), "DIR",
	 "empty directory on the file system of --upper"},
	{"transport", 0, OPTION_TEXT, offsetof(struct mount_options, transport), "WAY",
	 "how requests reach the server: auto, device or uring"},
	{"threads", 0, OPTION_NUMBER, offsetof(struct mount_options, threads), "N",
	 "threads of the server that read the device"},
	{"passthrough", 0, OPTION_TEXT, offsetof(struct mount_options, passthrough), "WHEN",
	 "let the kernel read file contents itself: auto, on or off"},
	{"no-spin", 0, OPTION_FLAG, offsetof(struct mount_options, no_spin), NULL,
	 "do not keep idle CPUs awake while requests come fast"},
	{"check-open", 0, OPTION_FLAG, offsetof(struct mount_options, check_open), NULL,
	 "standalone: opening a file finds out whether its contents are there"},
	{"serve-below", 0, OPTION_NUMBER, offsetof(struct mount_options, own_data), "BYTES",
	 "overlay: the server reads files of up to so many bytes itself"},
	{"foreground", 'f', OPTION_FLAG, offsetof(struct mount_options, foreground), NULL,
	 "stay until unmounted; an interrupt unmounts"},
	{"explain", 0, OPTION_FLAG, offsetof(struct mount_options, explain), NULL,
	 "say which mode would be taken, and why; mount nothing"},
	OPTIONS_END,
};

static const enum mount_mode modes[] = {MOUNT_KERNEL, MOUNT_OVERLAY, MOUNT_STANDALONE};

/* By enum mount_mode, tuning_transport, tuning_passthrough. */
static const char *const mode_words[] = {"auto", "kernel", "overlay", "standalone", NULL};
static const char *const transport_words[] = {"auto", "device", "uring", NULL};
static const char *const passthrough_words[] = {"auto", "on", "off", NULL};

#define THREADS_MAX 64

/* The place of text among words, of which the first is meant by NULL. Returns -EINVAL, said. */
static int word_parse(const char *option, const char *text, const char *const *words)
{
	if (!text)
		return 0;
	for (int i = 0; words[i]; i++) {
		if (strcmp(text, words[i]) == 0)
			return i;
	}
	(void)fprintf(stderr, "lamina mount: '--%s' is one of", option);
	for (int i = 0; words[i]; i++)
		(void)fprintf(stderr, "%s %s", i ? "," : "", words[i]);
	(void)fprintf(stderr, ", not '%s'\n", text);
	return -EINVAL;
}

static int request_parse(const struct mount_options *options, struct mount_request *request)
{
	int mode = word_parse("mode", options->mode, mode_words);
	int transport = word_parse("transport", options->transport, transport_words);
	int passthrough = word_parse("passthrough", options->passthrough, passthrough_words);

	if (mode < 0 || transport < 0 || passthrough < 0)
		return -EINVAL;
	if (options->threads > THREADS_MAX) {
		(void)fprintf(stderr, "lamina mount: '--threads' is at most %d\n", THREADS_MAX);
		return -EINVAL;
	}
	request->mode = (enum mount_mode)mode;
	request->tuning.transport = (enum tuning_transport)transport;
	request->tuning.passthrough = (enum tuning_passthrough)passthrough;
	request->tuning.lets_sleep = options->no_spin;
	request->tuning.checks_open = options->check_open;
	request->tuning.own_data_max = options->own_data;
	request->tuning.thread_count = (unsigned int)options->threads;
	return 0;
}

static void explain_text(const struct mount_choice *choice)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		enum mount_mode mode = modes[i];

		(void)printf("%-12s %-4s %s\n", mount_mode_name(mode),
			     choice->mode == mode     ? "yes"
			     : choice->possible[mode] ? "also"
						      : "no",
			     choice->reason[mode]);
	}
}

static void explain_json(const struct mount_choice *choice)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_text(&json, "mode", choice->mode == MOUNT_AUTO ? NULL : mount_mode_name(choice->mode));
	json_open(&json, "modes", '[');
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		json_open(&json, NULL, '{');
		json_text(&json, "mode", mount_mode_name(modes[i]));
		json_bool(&json, "possible", choice->possible[modes[i]]);
		json_text(&json, "reason", choice->reason[modes[i]]);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
	json_finish(&json);
}

static void print_mounted(const struct mount_request *request, const struct mount_choice *choice,
			  const struct server *server)
{
	struct json json;

	json_start(&json, stdout);
	json_open(&json, NULL, '{');
	json_text(&json, "image", request->image);
	json_text(&json, "target", request->target);
	json_text(&json, "mode", mount_mode_name(choice->mode));
	if (server->pid > 0) {
		json_number(&json, "server_pid", (uint64_t)server->pid);
		json_text(&json, "transport", server->uses_io_uring ? "uring" : "device");
		json_bool(&json, "passthrough", server->has_passthrough);
	}
	json_close(&json);
	json_finish(&json);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct mount_options *options = arguments;
	struct mount_request request = {
		.image = operands[0],
		.target = operands[1],
		.repo = options->common.repo,
		.objects = options->objects,
		.upper = options->upper,
		.work = options->work,
		.explains = options->explain,
		.foreground = options->foreground,
	};
	struct mount_choice choice = {0};
	struct diag why = {0};
	struct server server = {0};
	int r;

	(void)operand_count;
	if (request_parse(options, &request) < 0)
		return STATUS_USAGE;
	r = mount_choose(&request, &choice, &why);
	if (options->explain && r != -EINVAL) {
		options->common.json ? explain_json(&choice) : explain_text(&choice);
		return choice.mode == MOUNT_AUTO ? STATUS_FAILED : STATUS_DONE;
	}
	if (r == 0)
		r = mount_image(&request, &choice, &server, &why);
	if (r < 0)
		return report_failure(r, &why, "mount '%s' at '%s'", request.image, request.target);
	if (options->common.json && !options->foreground)
		print_mounted(&request, &choice, &server);
	return STATUS_DONE;
}

const struct command command_mount = {
	.name = "mount",
	.operands = "IMAGE DIR",
	.summary = "show an image at a directory",
	.details =
		"IMAGE is a name or digest in the repository, or a path to an image file.\n"
		"\n"
		"modes:\n"
		"  kernel      EROFS and overlayfs of the kernel; needs privilege\n"
		"  overlay     metadata from a FUSE server, file data read by overlayfs; works in "
		"a\n"
		"              user namespace (unshare -Urm)\n"
		"  standalone  everything from a FUSE server; works wherever FUSE does\n"
		"  auto        the first of these that is possible and honours the other options\n",
	.rows = rows,
	.options_size = sizeof(struct mount_options),
	.operand_min = 2,
	.operand_max = 2,
	.run = run,
};
