/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "oci/auth.h"
#include "oci/challenge.h"
#include "oci/credentials.h"
#include "oci/http.h"
#include "oci/token.h"

#define CLIENT_ID "lamina" /* oauth.md: names the program to the token server, no secret */

int token_basic(const struct credentials *credentials, char **ret)
{
	CLEAN(buf_wipe) struct buf pair = {0};
	CLEAN(buf_wipe) struct buf value = {0};
	size_t size = strlen(credentials->username) + strlen(credentials->password) + 2;
	int r = buf_reserve(&pair, size);

	r = r < 0 ? r : buf_reserve(&value, 2 * size + 16);
	r = r < 0 ? r : buf_printf(&pair, "%s:%s", credentials->username, credentials->password);
	r = r < 0 ? r : buf_append_string(&value, "Basic ");
	r = r < 0 ? r : base64_encode(buf_span(&pair), &value);
	if (r < 0 || !buf_string(&value))
		return -ENOMEM;
	*ret = strdup(buf_string(&value));
	return *ret ? 0 : -ENOMEM;
}

/* "name=text", encoded; what comes before is separated by the caller. */
static int parameter_append(struct buf *ret, const char *name, const char *text)
{
	int r = buf_printf(ret, "%s=", name);

	return r < 0 ? r : http_encode(text, ret);
}

/* One parameter for each of our scopes, and for the challenge's where it is another. */
static int scopes_append(struct buf *ret, const char *scopes, const char *wanted)
{
	bool is_wanted = !wanted || !wanted[0];
	int r = 0;

	while (r == 0 && *scopes) {
		size_t size = strcspn(scopes, " ");
		CLEAN(memory_freep) char *scope = strndup(scopes, size);

		if (!scope)
			return -ENOMEM;
		r = buf_append_byte(ret, '&');
		r = r < 0 ? r : parameter_append(ret, "scope", scope);
		is_wanted |= wanted && strcmp(wanted, scope) == 0;
		scopes += size + strspn(scopes + size, " ");
	}
	if (r < 0 || is_wanted)
		return r;
	r = buf_append_byte(ret, '&');
	return r < 0 ? r : parameter_append(ret, "scope", wanted);
}

/* GET realm?service=...&scope=..., with Basic where there is a password. */
static int token_get(struct http *http, const char *realm, const struct challenge *challenge,
		     const struct credentials *credentials, const char *scopes,
		     struct http_response **ret, struct diag *why)
{
	CLEAN(auth_value_freep) char *basic = NULL;
	CLEAN(buf_release) struct buf url = {0};
	struct http_request request = {.method = "GET", .is_foreign = true};
	int r = buf_printf(&url, "%s%c", realm, strchr(realm, '?') ? '&' : '?');

	r = r < 0 ? r
		  : parameter_append(&url, "service", challenge->service ? challenge->service : "");
	r = r < 0 ? r : scopes_append(&url, scopes, challenge->scope);
	if (r == 0 && credentials->password) {
		r = token_basic(credentials, &basic);
		r = r < 0 ? r : buf_append_byte(&url, '&');
		r = r < 0 ? r : parameter_append(&url, "account", credentials->username);
	}
	request.url = r < 0 ? NULL : buf_string(&url);
	request.authorization = basic;
	return request.url ? http_send(http, &request, ret, why) : -ENOMEM;
}

/* POST with the identity token, oauth.md. */
static int token_refresh(struct http *http, const char *realm, const struct challenge *challenge,
			 const struct credentials *credentials, const char *scopes,
			 struct http_response **ret, struct diag *why)
{
	static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
					      NULL};
	CLEAN(buf_wipe) struct buf form = {0};
	struct http_request request = {
		.method = "POST", .url = realm, .headers = headers, .is_foreign = true};
	int r = buf_append_string(&form, "grant_type=refresh_token&client_id=" CLIENT_ID "&");

	r = r < 0 ? r
		  : parameter_append(&form, "service",
				     challenge->service ? challenge->service : "");
	r = r < 0 ? r : buf_append_byte(&form, '&');
	r = r < 0 ? r : parameter_append(&form, "scope", scopes);
	r = r < 0 ? r : buf_append_byte(&form, '&');
	r = r < 0 ? r : parameter_append(&form, "refresh_token", credentials->identity_token);
	if (r < 0)
		return r;
	request.body = buf_span(&form);
	return http_send(http, &request, ret, why);
}

int token_request(struct http *http, const char *realm, const struct challenge *challenge,
		  const struct credentials *credentials, const char *scopes,
		  struct http_response **ret, struct diag *why)
{
	if (credentials->identity_token)
		return token_refresh(http, realm, challenge, credentials, scopes, ret, why);
	return token_get(http, realm, challenge, credentials, scopes, ret, why);
}
