/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * main.c - which name were we called by, which command is meant
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/report.h"
#include "ops/container_hook.h"
#include "ops/repository.h"

static const struct command *const commands[] = {
	&command_init,    &command_pull,     &command_import,   &command_images, &command_inspect,
	&command_history, &command_layers,   &command_tag,      &command_untag,  &command_rmi,
	&command_copy,    &command_push,     &command_export,   &command_commit, &command_diff,
	&command_run,     &command_bundle,   &command_mount,    &command_mounts, &command_umount,
	&command_unshare, &command_idmap,    &command_overlay,  &command_ls,     &command_dump,
	&command_objects, &command_digest,   &command_build,    &command_gc,     &command_fsck,
	&command_df,      &command_features, &command_as_store,
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void program_help(FILE *out)
{
	CLEAN(memory_freep) char *repository = repository_path(NULL);

	(void)fputs("usage: lamina COMMAND [OPTION...] [OPERAND...]\n"
		    "\n"
		    "Verified container images, mounted anywhere, as any user.\n"
		    "\n"
		    "commands:\n",
		    out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		(void)fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	(void)fprintf(
		out,
		"\n"
		"'lamina COMMAND --help' tells more. Called as mkcomposefs, composefs-info or\n"
		"mount.composefs, this program takes their options.\n"
		"\n"
		"The repository is --repo DIR, else $LAMINA_REPO, else here and now\n"
		"%s\n",
		repository ? repository : "(none: $HOME is not set)");
}

static int lamina_main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (!word) {
		program_help(stderr);
		return STATUS_USAGE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
		program_help(stdout);
		return STATUS_DONE;
	}
	if (strcmp(word, "--version") == 0) {
		(void)puts("lamina " LAMINA_VERSION);
		return STATUS_DONE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(word, commands[i]->name) == 0)
			return command_main(commands[i], argc - 1, argv + 1);
	}
	(void)fprintf(stderr, "lamina: there is no command '%s'\nhint: lamina --help\n", word);
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	const char *name = program_invocation_short_name;
	int status;

	/* Whoever ignores it passes that on, and then no child's status can be waited for. */
	(void)signal(SIGCHLD, SIG_DFL);
	if (strcmp(name, "mkcomposefs") == 0)
		status = mkcomposefs_main(argc, argv);
	else if (strcmp(name, "composefs-info") == 0)
		status = composefs_info_main(argc, argv);
	else if (strcmp(name, "mount.composefs") == 0)
		status = mount_composefs_main(argc, argv);
	else if (strcmp(name, CONTAINER_HOOK_NAME) == 0)
		status = container_hook_main(argc, argv);
	else
		status = lamina_main(argc, argv);
	return report_close_stdout(status);
}
