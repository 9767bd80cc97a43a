/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * container.h - the options that say how a container runs, the same in run and bundle
 */
#ifndef LAMINA_CLI_CONTAINER_H
#define LAMINA_CLI_CONTAINER_H

#include <stdbool.h>

#include "cli/option.h"
#include "ops/bundle.h"

struct container_options {
	struct option_list env;
	struct option_list volumes;
	const char *working_dir;
	const char *user;
	const char *entrypoint;
	const char *hostname;
	const char *network;
	struct option_list security;
	bool verbose;
	bool read_only;
	bool has_terminal;
};

/* Rows for a struct whose member container is the above. */
#define CONTAINER_OPTIONS(type)                                                               \
	{"env",          'e',                                                                 \
	 OPTION_LIST,    offsetof(type, container.env),                                       \
	 "NAME[=VALUE]", "set a variable; without a value, to that of ours"},                 \
		{"volume",                                                                    \
		 'v',                                                                         \
		 OPTION_LIST,                                                                 \
		 offsetof(type, container.volumes),                                           \
		 "SOURCE:TARGET[:ro]",                                                        \
		 "show a directory or file of the host in the container"},                    \
		{"workdir",   'w',                                                            \
		 OPTION_TEXT, offsetof(type, container.working_dir),                          \
		 "DIR",       "where the command starts"},                                    \
		{"user",         'u',                                                         \
		 OPTION_TEXT,    offsetof(type, container.user),                              \
		 "USER[:GROUP]", "who it is: names or numbers of the image"},                 \
		{"entrypoint",                                                                \
		 0,                                                                           \
		 OPTION_TEXT,                                                                 \
		 offsetof(type, container.entrypoint),                                        \
		 "PROGRAM",                                                                   \
		 "run this before CMD, in place of what the image says; \"\": nothing"},      \
		{"hostname",  0,                                                              \
		 OPTION_TEXT, offsetof(type, container.hostname),                             \
		 "NAME",      "what the container is called inside"},                         \
		{"network",                                                                   \
		 0,                                                                           \
		 OPTION_TEXT,                                                                 \
		 offsetof(type, container.network),                                           \
		 "none|host",                                                                 \
		 "none: only the loopback device; host: that of the caller (default: none)"}, \
		{"security-opt",                                                              \
		 0,                                                                           \
		 OPTION_LIST,                                                                 \
		 offsetof(type, container.security),                                          \
		 "seccomp=FILE|unconfined",                                                   \
		 "filter system calls by this profile, or not (default: the machine's)"},     \
		{"verbose",   0,                                                              \
		 OPTION_FLAG, offsetof(type, container.verbose),                              \
		 NULL,        "say what a container does without on this machine"},           \
		{"read-only", 0,                                                              \
		 OPTION_FLAG, offsetof(type, container.read_only),                            \
		 NULL,        "only /run, /tmp and /var/tmp can be written to"},              \
	{                                                                                     \
		"tty", 't', OPTION_FLAG, offsetof(type, container.has_terminal), NULL,        \
			"give it a terminal"                                                  \
	}

/* What options become; owned parts are released by container_parsed_release(). */
struct container_parsed {
	struct runtime_bind *binds; /* owned, with the sources; targets are owned, too */
	size_t bind_count;
	const char *entrypoint[2];
};

/*
 * Fill request->spec, and what of the others the options say. command: "CMD...", NULL behind the
 * last, none at all where the first is. Returns 0, or -EINVAL after a line on stderr.
 */
int container_options_parse(const char *program, const struct container_options *options,
			    char *const *command, struct container_parsed *parsed,
			    struct bundle_request *request);

void container_parsed_release(struct container_parsed *parsed);

#endif
