/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * auth.h - what to put into Authorization, for one repository of one registry
 *
 * A registry that wants to know who asks answers 401 with a challenge: Basic, or Bearer with a
 * server where a token for a scope is to be had (distribution/spec/auth/token.md, oauth.md). Tokens
 * are kept for each scope as long as they live. Any thread.
 */
#ifndef LAMINA_OCI_AUTH_H
#define LAMINA_OCI_AUTH_H

#include <stdbool.h>

struct auth;
struct credentials;   /* oci/credentials.h */
struct diag;          /* base/diag.h */
struct http;          /* oci/http.h */
struct http_response; /* oci/http.h */

/* Borrowed strings; NULL fields are fine but the first two. */
struct auth_options {
	const char *registry;                  /* what credentials are filed under: "docker.io" */
	const char *repository;                /* "library/ubuntu" */
	const char *auth_file;                 /* in place of the usual ones */
	const struct credentials *credentials; /* of the user, in place of any file; copied */
};

/* http is borrowed for the life of the result. Nothing is looked up yet. 0 or -ENOMEM. */
int auth_new(struct http *http, const struct auth_options *options, struct auth **ret);
void auth_free(struct auth *auth); /* NULL is fine */
void auth_freep(struct auth **auth);

/*
 * The value of Authorization for scopes ("repository:a/b:pull", several with a space between), or
 * NULL where nothing is known yet. A string that the caller owns, to be given to
 * auth_value_freep().
 */
char *auth_value(struct auth *auth, const char *scopes);
void auth_value_freep(char **value);

/*
 * Whether value (NULL: no) is a token fetched a moment ago in place of one that was refused while
 * it had time to live. A registry that refuses this one, too, refuses whatever its service gives.
 */
bool auth_is_replaced(struct auth *auth, const char *scopes, const char *value);

/*
 * A registry answered 401 to a request with used (NULL: without Authorization): find out what would
 * do. Sets *ret like auth_value().
 *
 *   -EACCES  the registry, or its token server, does not want these credentials, or any
 *   -EUCLEAN the challenge or the token server's answer is malformed
 *   what http_send() and credentials_find() return
 */
int auth_answer(struct auth *auth, const struct http_response *response, const char *scopes,
		const char *used, char **ret, struct diag *why);

#endif
