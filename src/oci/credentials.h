/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * credentials.h - who the user is to a registry, as other tools have noted it
 *
 * containers-auth.json(5), and Docker's config.json, which is the same with more in it. Secrets are
 * wiped when they are released, and in no message.
 */
#ifndef LAMINA_OCI_CREDENTIALS_H
#define LAMINA_OCI_CREDENTIALS_H

#include <stdbool.h>

#include "base/span.h"

struct diag; /* base/diag.h */

/* Owned strings; all NULL: nobody in particular. */
struct credentials {
	char *username;
	char *password;
	char *identity_token; /* in place of a password; a token server takes it (OAuth 2) */
};

void credentials_release(struct credentials *credentials); /* {0} is fine */
bool credentials_are_empty(const struct credentials *credentials);

/*
 * Look for the credentials of repository at registry ("docker.io", "localhost:5000"). auth_file is
 * the only file that is read; where it is NULL, the first that says something of
 *
 *   $REGISTRY_AUTH_FILE (then only that),
 *   $XDG_RUNTIME_DIR/containers/auth.json, or /run/containers/UID/auth.json,
 *   $XDG_CONFIG_HOME/containers/auth.json, ~/.config by default,
 *   $DOCKER_CONFIG/config.json, ~/.docker by default
 *
 * A credential helper that a file names is run. Nothing found is no error: *ret is empty then.
 *
 *   -EUCLEAN  a file, or what a helper said, is malformed
 *   -ENOENT   auth_file, or a helper that is named, is not there
 *   -E2BIG    more than AUTH_FILE_SIZE_MAX
 *   -EIO, -ETIMEDOUT  a helper failed, or took too long
 */
int credentials_find(const char *registry, const char *repository, const char *auth_file,
		     struct credentials *ret, struct diag *why);

/* What one file says. */
struct auth_entry {
	struct credentials credentials; /* owned */
	char *helper; /* owned; the rest of "docker-credential-...", to be asked instead */
};

void auth_entry_release(struct auth_entry *entry);

/*
 * Look into the text of a file: credHelpers for the registry, then auths for the longest of
 * REGISTRY/PATH's beginnings, then credsStore. Returns 1 with *ret, 0 when it says nothing of the
 * registry, -EUCLEAN, or -ENOMEM.
 */
int auth_file_find(struct span text, const char *registry, const char *repository,
		   struct auth_entry *ret, struct diag *why);

/*
 * Ask docker-credential-NAME, found by $PATH, for a registry: the protocol of
 * github.com/docker/docker-credential-helpers. Not known there is no error.
 */
int credential_helper_get(const char *name, const char *registry, struct credentials *ret,
			  struct diag *why);

/* What it says on its stdout, for the above: JSON with Username and Secret. */
int credential_helper_parse(struct span text, struct credentials *ret, struct diag *why);

#endif
