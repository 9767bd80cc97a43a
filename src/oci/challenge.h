/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * challenge.h - what a server wants to see before it answers (WWW-Authenticate)
 *
 * RFC 9110, 11.6.1. One field has any number of challenges, of which we can answer Basic (RFC 7617)
 * and Bearer (distribution/spec/auth/token.md).
 */
#ifndef LAMINA_OCI_CHALLENGE_H
#define LAMINA_OCI_CHALLENGE_H

#include "base/span.h"

/* Owned strings without control characters; NULL: not said. */
struct challenge {
	char *realm; /* Bearer: URL of the token server */
	char *service;
	char *scope;
	char *error; /* "insufficient_scope", ... */
};

void challenge_release(struct challenge *challenge); /* {0} is fine */

/*
 * The first challenge of that scheme in one field's value.
 *
 *   -ENOENT   there is none
 *   -EUCLEAN  the value is not a list of challenges
 */
int challenge_find(struct span value, const char *scheme, struct challenge *ret);

#endif
