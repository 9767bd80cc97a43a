/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * What a registry wants to see, and a token server's answer. What is taken from them goes into URLs
 * and headers, so there is no control character in it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "oci/challenge.h"
#include "oci/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text)
{
	for (; text && *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const schemes[] = {"Bearer", "Basic"};
	struct token token = {0};
	struct diag why = {0};

	for (size_t i = 0; i < 2; i++) {
		struct challenge challenge = {0};

		if (challenge_find(span_of(data, size), schemes[i], &challenge) == 0) {
			check(challenge.realm);
			check(challenge.service);
			check(challenge.scope);
			check(challenge.error);
		} else if (challenge.realm || challenge.service) {
			abort();
		}
		challenge_release(&challenge);
	}
	if (token_parse(span_of(data, size), &token, &why) == 0)
		check(token.text);
	else if (token.text || !why.text[0])
		abort();
	token_release(&token);
	return 0;
}
