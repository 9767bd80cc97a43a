/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/token.h"

#include <errno.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/json.h"

#define LIFETIME_DEFAULT_S 60 /* token.md: where expires_in is left out; and the least of all */
#define LIFETIME_MAX_S (24 * 3600) /* what a server says, believed for a day at most */

void token_release(struct token *token)
{
	int saved = errno;

	if (token->text)
		explicit_bzero(token->text, strlen(token->text));
	free(token->text);
	*token = (struct token){0};
	errno = saved;
}

static uint32_t lifetime_of(const json_t *value)
{
	json_int_t seconds = json_is_integer(value) ? json_integer_value(value) : 0;

	if (seconds < LIFETIME_DEFAULT_S)
		return LIFETIME_DEFAULT_S;
	return seconds > LIFETIME_MAX_S ? LIFETIME_MAX_S : (uint32_t)seconds;
}

int token_parse(struct span text, struct token *ret, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *root = NULL;
	const char *value;
	json_error_t error;
	char *copy;

	root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
	if (!root && (!error.text[0] || json_error_code(&error) == json_error_out_of_memory))
		return diag_set(why, -ENOMEM, "out of memory");
	/* Not error.text, which repeats what is there. */
	if (!root)
		return diag_set(why, -EUCLEAN, "the token server's answer is not JSON");
	value = json_string_value(json_object_get(root, "token"));
	if (!value || !value[0])
		value = json_string_value(json_object_get(root, "access_token"));
	if (!value || !value[0])
		return diag_set(why, -EUCLEAN, "the token server's answer has no token");
	for (const char *c = value; *c; c++) {
		if (*c <= ' ' || *c > '~')
			return diag_set(why, -EUCLEAN, "the token server's token is not one");
	}
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	*ret = (struct token){copy, lifetime_of(json_object_get(root, "expires_in"))};
	return 0;
}
