/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * registry.h - options of commands that talk to registries, called as skopeo and podman call them
 */
#ifndef LAMINA_CLI_REGISTRY_H
#define LAMINA_CLI_REGISTRY_H

#include "cli/command.h"

struct registry_options; /* ops/pull.h */

/* A field of the command's options; REGISTRY_OPTIONS fills it. */
struct registry_command_options {
	const char *auth_file;
	const char *credentials;
	const char *certs_dir;
	const char *tls_verify;
	uint64_t timeout_s; /* 0: not said */
	const char *prefix; /* of the options' names, for messages; NULL: none */
};

#define REGISTRY_TIMEOUT_HELP "how long a registry may be silent or slow (default: 30)"
#define REGISTRY_OPTION(type, member, part) \
	(offsetof(type, member) + offsetof(struct registry_command_options, part))
#define REGISTRY_OPTIONS(type, member)                                                            \
	{"authfile",  0,                                                                          \
	 OPTION_TEXT, REGISTRY_OPTION(type, member, auth_file),                                   \
	 "FILE",      "credentials from here (default: containers-auth.json(5))"},                \
		{"creds",           0,                                                            \
		 OPTION_TEXT,       REGISTRY_OPTION(type, member, credentials),                   \
		 "USER[:PASSWORD]", "who to be to the registry"},                                 \
		{"cert-dir",  0,                                                                  \
		 OPTION_TEXT, REGISTRY_OPTION(type, member, certs_dir),                           \
		 "DIR",       "certificates from here (default: containers-certs.d(5))"},         \
		{"tls-verify", 0,                                                                 \
		 OPTION_TEXT,  REGISTRY_OPTION(type, member, tls_verify),                         \
		 "true|false", "whether certificates count (default: registries.conf)"},          \
	{                                                                                         \
		"timeout", 0, OPTION_NUMBER, REGISTRY_OPTION(type, member, timeout_s), "SECONDS", \
			REGISTRY_TIMEOUT_HELP                                                     \
	}

/*
 * What ops wants. Fills *ret, to be released; returns 0, or -EINVAL after a line on stderr.
 */
struct registry_access;
int registry_access_make(const struct command *command,
			 const struct registry_command_options *options,
			 struct registry_access **ret);
void registry_access_freep(struct registry_access **access);
const struct registry_options *registry_access_options(const struct registry_access *access);

#endif
