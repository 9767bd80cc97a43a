/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "cli/attributes.h"
#include "cli/command.h"
#include "cli/ids.h"
#include "cli/mount_report.h"
#include "cli/mount_unshare.h"
#include "cli/report.h"
#include "ops/mount.h"

struct mount_options {
	struct common_options common;
	const char *objects;
	const char *mode;
	const char *upper;
	const char *work;
	uint64_t image_fd;
	uint64_t send_fd;
	bool ephemeral;
	bool unshare;
	const char *verity;
	const char *digest;
	struct option_list attributes;
	struct ids_options ids;
	const char *transport;
	const char *passthrough;
	uint64_t threads;
	uint64_t own_data;
	bool check_open;
	bool no_spin;
	bool no_supervisor;
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
	{"ephemeral", 0, OPTION_FLAG, offsetof(struct mount_options, ephemeral), NULL,
	 "make the mount writable: changes are in memory, and gone with it"},
	{"image-fd", 0, OPTION_NUMBER, offsetof(struct mount_options, image_fd), "N",
	 "the image is open as descriptor N (from 3 on); no IMAGE then"},
	{"send-fd", 0, OPTION_NUMBER, offsetof(struct mount_options, send_fd), "N",
	 "attach the mount nowhere, send it over socket N (from 3 on); no DIR then"},
	IDS_OPTIONS(struct mount_options),
	{"unshare", 0, OPTION_FLAG, offsetof(struct mount_options, unshare), NULL,
	 "mount for COMMAND only, in namespaces of its own with --map (default: auto)"},
	{"verity", 0, OPTION_TEXT, offsetof(struct mount_options, verity), "WHEN",
	 "hold contents to their fs-verity digests: require, try or off (default: see below)"},
	{"digest", 0, OPTION_TEXT, offsetof(struct mount_options, digest), "HEX",
	 "fs-verity digest that the image must have; implies --verity require"},
	{"options", 'o', OPTION_LIST, offsetof(struct mount_options, attributes), "WORD[,...]",
	 "mount options: ro, nosuid, nodev, noexec, noatime, nosymfollow and the like"},
	{"transport", 0, OPTION_TEXT, offsetof(struct mount_options, transport), "WAY",
	 "how requests reach the server: auto, device or uring"},
	{"threads", 0, OPTION_NUMBER, offsetof(struct mount_options, threads), "N",
	 "threads of the server that read the device"},
	{"passthrough", 0, OPTION_TEXT, offsetof(struct mount_options, passthrough), "WHEN",
	 "let the kernel read file contents itself: auto, on or off"},
	{"no-spin", 0, OPTION_FLAG, offsetof(struct mount_options, no_spin), NULL,
	 "do not keep idle CPUs awake while requests come fast"},
	{"no-supervisor", 0, OPTION_FLAG, offsetof(struct mount_options, no_supervisor), NULL,
	 "do not start a crashed server again"},
	{"check-open", 0, OPTION_FLAG, offsetof(struct mount_options, check_open), NULL,
	 "standalone: each open(2) finds out whether the contents are still there"},
	{"serve-below", 0, OPTION_NUMBER, offsetof(struct mount_options, own_data), "BYTES",
	 "overlay: the server reads files of up to so many bytes itself"},
	{"foreground", 'f', OPTION_FLAG, offsetof(struct mount_options, foreground), NULL,
	 "stay until unmounted; an interrupt unmounts"},
	{"explain", 0, OPTION_FLAG, offsetof(struct mount_options, explain), NULL,
	 "say which mode would be taken, and why; mount nothing"},
	OPTIONS_END,
};

/* By enum mount_mode, mount_verity, tuning_transport, tuning_passthrough. */
static const char *const mode_words[] = {"auto", "kernel", "overlay", "standalone", NULL};
static const char *const verity_words[] = {"auto", "off", "try", "require", NULL};
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

static int attributes_parse(const struct option_list *lists, uint64_t *attributes)
{
	for (size_t i = 0; i < lists->count; i++) {
		const char *word = lists->items[i];

		for (;; word++) {
			size_t size = strcspn(word, ",");

			if (size > 0 && !attribute_apply(span_of(word, size), attributes)) {
				(void)fprintf(stderr, "lamina mount: unknown mount option '%.*s'\n",
					      (int)size, word);
				return -EINVAL;
			}
			word += size;
			if (!*word)
				break;
		}
	}
	return 0;
}

/* What the mount shall be held to. */
static int guard_parse(const struct mount_options *options, struct mount_request *request)
{
	int verity = word_parse("verity", options->verity, verity_words);

	if (verity < 0)
		return -EINVAL;
	request->verity = (enum mount_verity)verity;
	if (options->digest &&
	    digest_parse(span_of_string(options->digest), &request->digest) < 0) {
		(void)fprintf(stderr, "lamina mount: '--digest' is hex digits, not '%s'\n",
			      options->digest);
		return -EINVAL;
	}
	return attributes_parse(&options->attributes, &request->attributes);
}

static int request_parse(const struct mount_options *options, struct mount_request *request)
{
	int mode = word_parse("mode", options->mode, mode_words);
	int transport = word_parse("transport", options->transport, transport_words);
	int passthrough = word_parse("passthrough", options->passthrough, passthrough_words);

	if (mode < 0 || transport < 0 || passthrough < 0 ||
	    ids_options_request("mount", &options->ids, &request->ids) < 0)
		return -EINVAL;
	if (options->threads > THREADS_MAX) {
		(void)fprintf(stderr, "lamina mount: '--threads' is at most %d\n", THREADS_MAX);
		return -EINVAL;
	}
	request->mode = (enum mount_mode)mode;
	request->tuning.transport = (enum tuning_transport)transport;
	request->tuning.passthrough = (enum tuning_passthrough)passthrough;
	request->tuning.lets_sleep = options->no_spin;
	request->tuning.is_alone = options->no_supervisor;
	request->tuning.checks_open = options->check_open;
	request->tuning.own_data_max = options->own_data;
	request->tuning.thread_count = (unsigned int)options->threads;
	return 0;
}

/* What is wrong with the operands, of which own are wanted; NULL: nothing. */
static const char *operands_problem(const struct mount_options *options, int count, int own)
{
	if (options->image_fd > INT_MAX || options->send_fd > INT_MAX ||
	    (options->send_fd > 0 && options->send_fd <= STDERR_FILENO))
		return "a descriptor is a number from 3 on";
	if (count < own && options->image_fd > 0)
		return "with '--image-fd N' comes DIR";
	if (count < own)
		return options->send_fd > 0 ? "with '--send-fd N' comes IMAGE"
					    : "IMAGE and DIR are wanted";
	if (count > own && !options->unshare)
		return own == 2 ? "a COMMAND needs --unshare"
				: "with a descriptor there is no operand in its place";
	return NULL;
}

static int report_mount_failure(const struct mount_request *request, int r, struct diag *why)
{
	const char *image = request->image ? request->image : "-";

	if (request->target)
		return report_failure(r, why, "mount '%s' at '%s'", image, request->target);
	return report_failure(r, why, "mount '%s' for descriptor %d", image, request->send_fd);
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct mount_options *options = arguments;
	bool by_fd = options->image_fd > 0, to_fd = options->send_fd > 0;
	int operands_own = !by_fd + !to_fd; /* without those of a COMMAND */
	const char *problem = operands_problem(options, operand_count, operands_own);
	struct mount_request request = {
		.image = by_fd || problem ? NULL : operands[0],
		.image_fd = by_fd ? (int)options->image_fd : -1,
		.target = to_fd || problem ? NULL : operands[operands_own - 1],
		.send_fd = to_fd ? (int)options->send_fd : -1,
		.is_ephemeral = options->ephemeral,
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

	if (problem) {
		(void)fprintf(stderr, "lamina mount: %s\n", problem);
		return STATUS_USAGE;
	}
	if (request_parse(options, &request) < 0 || guard_parse(options, &request) < 0)
		return STATUS_USAGE;
	if (options->unshare)
		return mount_unshare(&request, operands + operands_own);
	mount_verity_settle(&request);
	r = mount_choose(&request, &choice, &why);
	if (options->explain && r != -EINVAL) {
		mount_request_release(&request);
		options->common.json ? mount_explain_json(&choice) : mount_explain(&choice);
		return choice.mode == MOUNT_AUTO ? STATUS_FAILED : STATUS_DONE;
	}
	if (r == 0)
		r = mount_image(&request, &choice, &server, &why);
	mount_request_release(&request);
	if (r < 0)
		return report_mount_failure(&request, r, &why);
	if (options->common.json && !options->foreground)
		mount_report_json(&request, &choice, &server);
	return STATUS_DONE;
}

const struct command command_mount = {
	.name = "mount",
	.operands = "[IMAGE] [DIR] [-- COMMAND...]",
	.summary = "show an image at a directory",
	.details =
		"IMAGE is a name or digest in the repository, or a path to an image file; there is "
		"none\n"
		"with --image-fd, and no DIR with --send-fd.\n"
		"\n"
		"modes:\n"
		"  kernel      EROFS and overlayfs of the kernel; needs privilege\n"
		"  overlay     metadata from a FUSE server, file data read by overlayfs; works in "
		"a\n"
		"              user namespace (unshare -Urm)\n"
		"  standalone  everything from a FUSE server; works wherever FUSE does\n"
		"  auto        the first of these that is possible and honours the other options\n"
		"\n" MAP_DETAILS "\n"
		"With an id map, the upper directory has the ids INSIDE in kernel mode, OUTSIDE "
		"in\n"
		"the others.\n"
		"\n"
		"verity:\n"
		"  require     the image and its contents have the digests that name them, or "
		"reading\n"
		"              fails; the default of a secure repository (lamina init --secure)\n"
		"  try         contents are held to the digests that the image has, where objects\n"
		"              have fs-verity and the mode can do it\n"
		"  off         contents are believed; the default of everything else\n"
		"\n"
		"With --send-fd, N is a connected UNIX socket, stream or seqpacket. One message "
		"goes "
		"over\n"
		"it when the mount answers: one byte, 0, and the descriptor of the mount "
		"(SCM_RIGHTS).\n"
		"Who receives it may attach it by move_mount(2), or only open files below it. It "
		"is "
		"gone\n"
		"when no descriptor of it is left and it is attached nowhere.\n"
		"\n"
		"With --unshare the mount is there for COMMAND ($SHELL when none is given) and "
		"what\n"
		"that starts, and goes with them; the exit status is that of COMMAND. The map is "
		"then\n"
		"that of its user namespace, where owners are as stored.\n",
	.rows = rows,
	.options_size = sizeof(struct mount_options),
	.operand_min = 0,
	.operand_max = -1,
	.run = run,
};
