/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * command.h - what a subcommand is, and what all of them share
 */
#ifndef LAMINA_CLI_COMMAND_H
#define LAMINA_CLI_COMMAND_H

#include <stdbool.h>

#include "base/digest.h"
#include "cli/option.h"

/* House style, section 11. */
enum exit_status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_REFUSED = 3, /* by verification: digest, corrupt image */
};

/* The first field of every command's options; COMMON_OPTIONS fills it. */
struct common_options {
	const char *repo;     /* NULL: LAMINA_REPO, or the default */
	const char *progress; /* NULL: on a terminal; "json"; "none" */
	bool json;
	bool quiet;
	bool help;
};

#define COMMON_HELP_OPTION                                                             \
	{                                                                              \
		"help", 'h', OPTION_FLAG, offsetof(struct common_options, help), NULL, \
			"show this help"                                               \
	}
#define COMMON_JSON_OPTION                                                           \
	{                                                                            \
		"json", 0, OPTION_FLAG, offsetof(struct common_options, json), NULL, \
			"print one JSON object"                                      \
	}
#define COMMON_REPO_OPTION                                                               \
	{                                                                                \
		"repo", 0, OPTION_TEXT, offsetof(struct common_options, repo), "DIR",    \
			"the repository (default: $LAMINA_REPO, else see lamina --help)" \
	}
#define COMMON_PROGRESS_OPTIONS                                                        \
	{"quiet",     'q',                                                             \
	 OPTION_FLAG, offsetof(struct common_options, quiet),                          \
	 NULL,        "no progress and no notes"},                                     \
	{                                                                              \
		"progress", 0, OPTION_TEXT, offsetof(struct common_options, progress), \
			"json|none", "progress as JSON lines on stderr, or none"       \
	}
#define OPTIONS_END                                 \
	{                                           \
		NULL, 0, OPTION_FLAG, 0, NULL, NULL \
	}

struct command {
	const char *name;
	const char *operands; /* as --help shows them */
	const char *summary;  /* one line, lower case */
	const char *details;  /* more lines for --help, or NULL */
	const struct option_row *rows;
	size_t options_size; /* bytes; starts with struct common_options */
	int operand_min;
	int operand_max; /* -1: any number */
	bool options_end_at_operand;
	/* Returns an exit status; failures have been reported. */
	int (*run)(const void *options, int operand_count, char **operands);
};

extern const struct command command_as_store;
extern const struct command command_build;
extern const struct command command_bundle;
extern const struct command command_commit;
extern const struct command command_copy;
extern const struct command command_df;
extern const struct command command_diff;
extern const struct command command_digest;
extern const struct command command_dump;
extern const struct command command_export;
extern const struct command command_features;
extern const struct command command_fsck;
extern const struct command command_gc;
extern const struct command command_history;
extern const struct command command_idmap;
extern const struct command command_images;
extern const struct command command_import;
extern const struct command command_init;
extern const struct command command_inspect;
extern const struct command command_layers;
extern const struct command command_ls;
extern const struct command command_mount;
extern const struct command command_mounts;
extern const struct command command_objects;
extern const struct command command_overlay;
extern const struct command command_pull;
extern const struct command command_push;
extern const struct command command_rmi;
extern const struct command command_run;
extern const struct command command_tag;
extern const struct command command_umount;
extern const struct command command_unshare;
extern const struct command command_untag;

/* Parse argv (argv[0] is the command's name) and run. Returns an exit status. */
int command_main(const struct command *command, int argc, char **argv);

/* What --algorithm says, sha256 when NULL; DIGEST_NONE after a line on stderr. */
enum digest_algorithm algorithm_option(const struct command *command, const char *text);

/* The other names of the program (argv[0]). */
int mkcomposefs_main(int argc, char **argv);
int composefs_info_main(int argc, char **argv);
int mount_composefs_main(int argc, char **argv);
int container_hook_main(int argc, char **argv); /* not for users: ops/container_hook.h */

#endif
