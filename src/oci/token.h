/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * token.h - asking a token server
 *
 * distribution/spec/auth/token.md, "Token Response Fields", and oauth.md.
 */
#ifndef LAMINA_OCI_TOKEN_H
#define LAMINA_OCI_TOKEN_H

#include <stdint.h>

#include "base/span.h"

struct challenge;     /* oci/challenge.h */
struct credentials;   /* oci/credentials.h */
struct diag;          /* base/diag.h */
struct http;          /* oci/http.h */
struct http_response; /* oci/http.h */

struct token {
	char *text;          /* owned; visible ASCII, so that it fits into a header */
	uint32_t lifetime_s; /* seconds from now; 60 where the server does not say */
};

void token_release(struct token *token); /* {0} is fine; wipes */

/* Returns 0, -EUCLEAN or -ENOMEM. */
int token_parse(struct span text, struct token *ret, struct diag *why);

/*
 * Ask the token server at the URL realm for scopes (several with a space between), as the user if
 * credentials are not empty. Returns as http_send().
 */
int token_request(struct http *http, const char *realm, const struct challenge *challenge,
		  const struct credentials *credentials, const char *scopes,
		  struct http_response **ret, struct diag *why);

/* "Basic ..." (RFC 7617) of a user name and a password that are there. The caller wipes it. */
int token_basic(const struct credentials *credentials, char **ret);

#endif
