/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * repository.h - which repository is meant
 *
 * What the caller gave, else $LAMINA_REPO, else a default: /var/lib/lamina for root of the machine,
 * $XDG_DATA_HOME/lamina (~/.local/share/lamina) for everybody else, root of a user namespace
 * included.
 */
#ifndef LAMINA_OPS_REPOSITORY_H
#define LAMINA_OPS_REPOSITORY_H

#include <stdbool.h>

#include "base/digest.h"

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

/* The path that is meant, owned by the caller; NULL when there is no default ($HOME not set). */
char *repository_path(const char *given);

enum repository_security {
	REPOSITORY_SECURE_IF_POSSIBLE, /* fs-verity where the file system has it */
	REPOSITORY_SECURE,
	REPOSITORY_INSECURE,
};

struct repository_options {
	enum digest_algorithm algorithm;
	enum repository_security security;
	int erofs_version; /* 0 or 1 */
};

/*
 * Make the repository, with the directories above it. *ret_secure tells what was made. Errors as of
 * store_init().
 */
int repository_init(const char *path, const struct repository_options *options, bool *ret_secure,
		    struct diag *why);

/* Open what is meant. Errors as of store_open(); the message names the path. */
int repository_open(const char *given, struct store **ret, struct diag *why);
void repository_closep(struct store **store);

#endif
