/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ops/pull.h"

#define TIMEOUT_MAX_S 3600 /* nobody looks at a terminal for longer */

struct registry_access {
	struct registry_options options;
	struct credentials credentials; /* owned */
};

void registry_access_freep(struct registry_access **access)
{
	if (*access)
		credentials_release(&(*access)->credentials);
	free(*access);
	*access = NULL;
}

const struct registry_options *registry_access_options(const struct registry_access *access)
{
	return &access->options;
}

/* "USER:PASSWORD"; without a password it is empty. */
static int credentials_split(const char *text, struct credentials *ret)
{
	const char *colon = strchr(text, ':');

	ret->username = colon ? strndup(text, (size_t)(colon - text)) : strdup(text);
	ret->password = strdup(colon ? colon + 1 : "");
	return ret->username && ret->password ? 0 : -ENOMEM;
}

static int tls_read(const struct command *command, const struct registry_command_options *options,
		    enum registry_tls *ret)
{
	const char *text = options->tls_verify;

	if (!text)
		*ret = REGISTRY_TLS_AS_CONFIGURED;
	else if (strcmp(text, "true") == 0)
		*ret = REGISTRY_TLS_VERIFIED;
	else if (strcmp(text, "false") == 0)
		*ret = REGISTRY_TLS_UNVERIFIED;
	else {
		(void)fprintf(stderr, "lamina %s: '--%stls-verify' is true or false, not '%s'\n",
			      command->name, options->prefix ? options->prefix : "", text);
		return -EINVAL;
	}
	return 0;
}

/* Seconds, of connecting and of silence alike. */
static int timeout_read(const struct command *command,
			const struct registry_command_options *options,
			struct registry_options *ret)
{
	if (options->timeout_s > TIMEOUT_MAX_S) {
		(void)fprintf(stderr, "lamina %s: '--timeout' is at most %d seconds\n",
			      command->name, TIMEOUT_MAX_S);
		return -EINVAL;
	}
	ret->connect_timeout_ms = ret->stall_timeout_ms = (unsigned int)options->timeout_s * 1000;
	return 0;
}

int registry_access_make(const struct command *command,
			 const struct registry_command_options *options,
			 struct registry_access **ret)
{
	CLEAN(registry_access_freep) struct registry_access *access = calloc(1, sizeof(*access));
	int r;

	if (!access)
		return -ENOMEM;
	r = tls_read(command, options, &access->options.tls);
	r = r < 0 ? r : timeout_read(command, options, &access->options);
	if (r == 0 && options->credentials) {
		r = credentials_split(options->credentials, &access->credentials);
		access->options.credentials = &access->credentials;
	}
	if (r < 0)
		return r;
	access->options.auth_file = options->auth_file;
	access->options.certs_dir = options->certs_dir;
	*ret = TAKE(access);
	return 0;
}
