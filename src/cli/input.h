/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * input.h - the options that 'lamina import' and 'lamina build' share
 */
#ifndef LAMINA_CLI_INPUT_H
#define LAMINA_CLI_INPUT_H

#include <stdint.h>

#include "cli/command.h"
#include "ops/input.h"

/* The first fields of both commands' options; INPUT_OPTIONS fills them. */
struct input_command_options {
	struct common_options common;
	const char *format;
	uint64_t threads;
	bool dump;
	bool skip_xattrs;
	bool user_xattrs;
	bool skip_devices;
	bool use_epoch;
	bool no_hard_links;
};

#define INPUT_FIELD(field) offsetof(struct input_command_options, field)
#define INPUT_OPTIONS                                                                              \
	{                                                                                          \
		"dump",      0,                                                                    \
		OPTION_FLAG, INPUT_FIELD(dump),                                                    \
		NULL,        "the input is a dump, also when it is -"},                            \
		{"format",    0,                                                                   \
		 OPTION_TEXT, INPUT_FIELD(format),                                                 \
		 "0|1|2",     "composefs version of the image"},                                   \
		{"threads",     0,                                                                 \
		 OPTION_NUMBER, INPUT_FIELD(threads),                                              \
		 "N",           "files hashed at a time (default: one a CPU)"},                    \
		{"skip-xattrs",         0, OPTION_FLAG, INPUT_FIELD(skip_xattrs), NULL,            \
		 "leave out all xattrs"},                                                          \
		{"user-xattrs",          0, OPTION_FLAG, INPUT_FIELD(user_xattrs), NULL,           \
		 "only xattrs of user.*"},                                                         \
		{"skip-devices",          0, OPTION_FLAG, INPUT_FIELD(skip_devices), NULL,         \
		 "leave out device nodes"},                                                        \
		{"use-epoch", 0, OPTION_FLAG, INPUT_FIELD(use_epoch), NULL, "set all times to 0"}, \
	{                                                                                          \
		"no-hard-links", 0, OPTION_FLAG, INPUT_FIELD(no_hard_links), NULL,                 \
			"make each name a file of its own, as mkcomposefs does"                    \
	}

/*
 * The options of ops. *ret_version: 0, 1, 2, or -1 when not given. Returns 0, or -EINVAL after a
 * line on stderr.
 */
int input_options(const struct command *command, const struct input_command_options *options,
		  struct input_options *ret, int *ret_version);

#endif
