/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/command.h"
#include "cli/container.h"
#include "cli/ids.h"
#include "cli/report.h"
#include "ops/run.h"

/* podman-run(1), "Exit status": the engine itself failed. */
#define STATUS_ENGINE_FAILED 125

struct run_options {
	struct common_options common;
	struct container_options container;
	const char *name;
	const char *runtime;
	const char *userns;
	struct option_list uidmaps;
	struct option_list gidmaps;
	const char *upper;
	const char *work;
	bool interactive;
	bool remove;
};

static const struct option_row rows[] = {
	COMMON_HELP_OPTION,
	COMMON_REPO_OPTION,
	CONTAINER_OPTIONS(struct run_options),
	{"interactive", 'i', OPTION_FLAG, offsetof(struct run_options, interactive), NULL,
	 "let it read our standard input"},
	{"name", 0, OPTION_TEXT, offsetof(struct run_options, name), "NAME",
	 "what the container is called (default: made up)"},
	{"rm", 0, OPTION_FLAG, offsetof(struct run_options, remove), NULL,
	 "as always: nothing is left of it when it ends"},
	{"runtime", 0, OPTION_TEXT, offsetof(struct run_options, runtime), "PROGRAM",
	 "the OCI runtime (default: crun, else runc)"},
	{"upper", 0, OPTION_TEXT, offsetof(struct run_options, upper), "DIR",
	 "keep changes here (default: in memory, gone with it)"},
	{"work", 0, OPTION_TEXT, offsetof(struct run_options, work), "DIR",
	 "empty directory on the file system of --upper"},
	{"userns", 0, OPTION_TEXT, offsetof(struct run_options, userns), "host|" MAP_OPTION_VALUE,
	 "a user namespace for the container, with this id map (default: host, none)"},
	{"uidmap", 0, OPTION_LIST, offsetof(struct run_options, uidmaps), IDMAP_OPTION "[,...]",
	 "one with this map; also for groups"},
	{"gidmap", 0, OPTION_LIST, offsetof(struct run_options, gidmaps), IDMAP_OPTION "[,...]",
	 "the same for groups"},
	{"quiet", 'q', OPTION_FLAG, offsetof(struct common_options, quiet), NULL, "no notes"},
	OPTIONS_END,
};

static int ids_parse(const struct run_options *options, struct ids_request *ret)
{
	const char *map =
		options->userns && strcmp(options->userns, "host") == 0 ? NULL : options->userns;

	ret->uids = options->uidmaps.count ? options->uidmaps.items : NULL;
	ret->gids = options->gidmaps.count ? options->gidmaps.items : NULL;
	return map_option("run", "--userns", map, &ret->map);
}

/* With keep-id one is oneself inside, unless something else is said (podman-run(1), --userns). */
static void own_user(const struct run_options *options, const struct ids_request *ids, char *text,
		     size_t size, struct bundle_request *request)
{
	if (ids->map != ID_SHORTHAND_KEEP || options->container.user)
		return;
	(void)snprintf(text, size, "%u:%u", (unsigned int)getuid(), (unsigned int)getgid());
	request->user = text;
}

static int run(const void *arguments, int operand_count, char **operands)
{
	const struct run_options *options = arguments;
	CLEAN(container_parsed_release) struct container_parsed parsed = {0};
	struct run_request request = {
		.bundle = {.image = operands[0], .repo = options->common.repo},
		.name = options->name,
		.runtime = options->runtime,
		.upper = options->upper,
		.work = options->work,
		/* The terminal that the runtime shows is that on standard input. */
		.has_stdin = options->interactive || options->container.has_terminal,
	};
	struct diag note = {0}, why = {0};
	char user[32];
	int status = STATUS_ENGINE_FAILED, r;

	(void)operand_count;
	if (ids_parse(options, &request.ids) < 0 ||
	    container_options_parse("lamina run", &options->container, operands + 1, &parsed,
				    &request.bundle) < 0)
		return STATUS_USAGE;
	if (options->container.has_terminal && !isatty(STDIN_FILENO)) {
		(void)diag_set(&why, 0, "--tty: standard input is not a terminal");
		(void)report_failure(-ENOTTY, &why, "run '%s'", request.bundle.image);
		return STATUS_ENGINE_FAILED;
	}
	own_user(options, &request.ids, user, sizeof(user), &request.bundle);
	r = run_container(&request, &status, &note, &why);
	if (note.text[0] && !options->common.quiet)
		report_note("%s", note.text);
	if (r < 0) {
		(void)report_failure(r, &why, "run '%s'", request.bundle.image);
		return STATUS_ENGINE_FAILED;
	}
	return status;
}

const struct command command_run = {
	.name = "run",
	.operands = "IMAGE [CMD [ARGUMENT...]]",
	.summary = "run a command in a container made from an image",
	.details =
		"The image is mounted, its config says what runs, an OCI runtime runs it. What "
		"the\n"
		"container writes is in memory, and gone with it, unless --upper keeps it. Options "
		"end\n"
		"at IMAGE. The exit status is the command's, 128 and a signal's number where one\n"
		"ended it, 127 where there is no such command, 126 where it may not be executed,\n"
		"or 125 where lamina or the runtime failed.\n"
		"\n"
		"System calls are filtered by the profile that podman uses, where the machine has\n"
		"one: /etc/containers/seccomp.json, else /usr/share/containers/seccomp.json.\n"
		"With --network host, /etc/hosts and /etc/resolv.conf are those of the host; else\n"
		"/etc/hosts has localhost and the container's own name.\n"
		"\n"
		"Without privilege it all happens in a user namespace, where you are root and "
		"your\n"
		"subordinate ids are the others. A container stays in the cgroup that you are in:\n"
		"limit it by 'systemd-run --scope -p MemoryMax=1G lamina run ...'.\n",
	.rows = rows,
	.options_size = sizeof(struct run_options),
	.operand_min = 1,
	.operand_max = -1,
	.options_end_at_operand = true,
	.run = run,
};
