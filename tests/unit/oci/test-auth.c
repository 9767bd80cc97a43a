/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/diag.h"
#include "fixture.h"
#include "oci/auth.h"
#include "oci/credentials.h"
#include "oci/http.h"

#define SCOPE "repository:a/b:pull"

static struct fixture server;
static struct http *http;

static int start(void **state)
{
	const char *const words[] = {"python3", source_path("tests/tools/http-fixture.py"), NULL};
	struct diag why = {0};

	(void)state;
	server = fixture_start(words);
	assert_int_equal(0, setenv("REGISTRY_AUTH_FILE", "/nowhere", 1));
	assert_ok(http_new(&(struct http_options){0}, &http, &why), &why);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	http_free(http);
	fixture_stop(&server);
	return 0;
}

static struct http_response *get(const char *path, struct buf *url)
{
	struct http_request request = {.method = "GET"};
	struct http_response *response;
	struct diag why = {0};

	url->size = 0;
	assert_int_equal(0, buf_printf(url, "http://127.0.0.1:%d%s", server.port, path));
	request.url = buf_string(url);
	assert_ok(http_send(http, &request, &response, &why), &why);
	return response;
}

/* An answer of 401 with these challenges, each of which is encoded here. */
static struct http_response *challenge(const char *const *values)
{
	struct buf path = {0}, url = {0};
	struct http_response *response;

	assert_int_equal(0, buf_append_string(&path, "/challenge?a=b"));
	for (; *values; values++) {
		assert_int_equal(0, buf_append_string(&path, "&www="));
		assert_int_equal(0, http_encode(*values, &path));
	}
	response = get(buf_string(&path), &url);
	assert_int_equal(401, http_status(response));
	buf_release(&path);
	buf_release(&url);
	return response;
}

/* Bearer, with a token server that answers so. */
static struct http_response *bearer(const char *answer, const char *more)
{
	struct buf value = {0};
	const char *values[] = {NULL, NULL};
	struct http_response *response;

	assert_int_equal(0, buf_append_string(&value, "Bearer realm=\"/token?answer="));
	assert_int_equal(0, http_encode(answer, &value));
	assert_int_equal(0, buf_printf(&value, "%s\",service=\"the service\"", more));
	values[0] = buf_string(&value);
	response = challenge(values);
	buf_release(&value);
	return response;
}

static struct auth *auth_of(const struct credentials *credentials)
{
	const struct auth_options options = {
		.registry = "h.io", .repository = "a/b", .credentials = credentials};
	struct auth *auth;

	assert_int_equal(0, auth_new(http, &options, &auth));
	return auth;
}

static char *log_of(struct buf *ret)
{
	struct buf url = {0};
	struct diag why = {0};
	struct http_response *response = get("/log", &url);

	ret->size = 0;
	assert_ok(http_read_all(response, 1 << 20, ret, &why), &why);
	http_response_free(response);
	buf_release(&url);
	return buf_string(ret);
}

static void nothing_is_known_at_first(void **state)
{
	struct auth *auth = auth_of(NULL);

	(void)state;
	assert_null(auth_value(auth, SCOPE));
	auth_free(auth);
}

static void a_token_is_fetched_once_and_kept_for_its_scope(void **state)
{
	struct auth *auth = auth_of(NULL);
	struct http_response *response = bearer("{\"token\":\"t1\"}", "");
	struct buf log = {0};
	struct diag why = {0};
	char *value = NULL;

	(void)state;
	assert_ok(auth_answer(auth, response, SCOPE " " SCOPE "x", NULL, &value, &why), &why);
	assert_string_equal("Bearer t1", value);
	auth_value_freep(&value);
	assert_non_null(strstr(log_of(&log),
			       "service=the%20service&scope=repository%3Aa%2Fb%3Apull&"
			       "scope=repository%3Aa%2Fb%3Apullx\""));
	assert_null(strstr(buf_string(&log), "authorization"));

	value = auth_value(auth, SCOPE " " SCOPE "x");
	assert_string_equal("Bearer t1", value);
	auth_value_freep(&value);
	assert_null(auth_value(auth, SCOPE));

	/* Another request got its 401 before the token was there. */
	assert_ok(auth_answer(auth, response, SCOPE " " SCOPE "x", NULL, &value, &why), &why);
	auth_value_freep(&value);
	assert_null(strstr(log_of(&log), "/token"));
	/* The token itself was refused. */
	assert_ok(auth_answer(auth, response, SCOPE " " SCOPE "x", "Bearer t1", &value, &why),
		  &why);
	auth_value_freep(&value);
	assert_non_null(strstr(log_of(&log), "/token"));
	http_response_free(response);
	buf_release(&log);
	auth_free(auth);
}

static void a_password_goes_to_the_token_server(void **state)
{
	struct credentials me = {.username = (char *)"m e", .password = (char *)"pw"};
	struct auth *auth = auth_of(&me);
	struct http_response *response = bearer("{\"access_token\":\"t2\"}", "");
	struct buf log = {0};
	struct diag why = {0};
	char *value = NULL;

	(void)state;
	(void)log_of(&log);
	assert_ok(auth_answer(auth, response, SCOPE, NULL, &value, &why), &why);
	assert_string_equal("Bearer t2", value);
	auth_value_freep(&value);
	assert_non_null(strstr(log_of(&log), "account=m%20e"));
	assert_non_null(strstr(buf_string(&log), "Basic bSBlOnB3"));
	http_response_free(response);
	buf_release(&log);
	auth_free(auth);
}

static void an_identity_token_is_posted(void **state)
{
	struct credentials me = {.identity_token = (char *)"id&tok"};
	struct auth *auth = auth_of(&me);
	struct http_response *response = bearer("{\"access_token\":\"t3\"}", "");
	struct buf log = {0};
	struct diag why = {0};
	char *value = NULL;

	(void)state;
	(void)log_of(&log);
	assert_ok(auth_answer(auth, response, SCOPE, NULL, &value, &why), &why);
	assert_string_equal("Bearer t3", value);
	auth_value_freep(&value);
	assert_non_null(strstr(log_of(&log), "grant_type=refresh_token&client_id=lamina"));
	assert_non_null(strstr(buf_string(&log), "refresh_token=id%26tok"));
	assert_non_null(strstr(buf_string(&log), "x-www-form-urlencoded"));
	http_response_free(response);
	buf_release(&log);
	auth_free(auth);
}

static void basic_is_answered_with_a_password(void **state)
{
	static const char *const basic[] = {"Negotiate", "Basic realm=\"x\"", NULL};
	struct credentials me = {.username = (char *)"u", .password = (char *)"p"};
	struct auth *auth = auth_of(&me), *nobody = auth_of(NULL);
	struct http_response *response = challenge(basic);
	struct diag why = {0};
	char *value = NULL;

	(void)state;
	assert_ok(auth_answer(auth, response, SCOPE, NULL, &value, &why), &why);
	assert_string_equal("Basic dTpw", value);
	auth_value_freep(&value);
	assert_int_equal(-EACCES, auth_answer(auth, response, SCOPE, "Basic dTpw", &value, &why));
	assert_non_null(strstr(why.text, "says 401 to the credentials for h.io"));
	assert_null(strstr(why.text, "dTpw"));
	assert_int_equal(-EACCES, auth_answer(nobody, response, SCOPE, NULL, &value, &why));
	assert_non_null(strstr(why.text, "no credentials for h.io"));
	http_response_free(response);
	auth_free(auth);
	auth_free(nobody);
}

static void what_token_servers_do_wrong_is_said(void **state)
{
	static const char *const bad[][3] = {
		{"{}", "", "no token"},
		{"garbage", "", "not JSON"},
		{"{}", "&status=401", "says 401, and there are no credentials for h.io"},
		{"{}", "&status=403", "says 403"},
		{"{}", "&status=500", "says 500"},
	};
	static const char *const elsewhere[][2] = {
		{"Bearer realm=\"file:///etc/passwd\"", "token server: it leads"},
		{"Bearer", "does not say whose"},
		{"Bearer realm=\"", "malformed"},
		{"Digest realm=x", "not what it wants"},
	};
	struct auth *auth = auth_of(NULL);
	char *value = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_response *response = bearer(bad[i][0], bad[i][1]);
		struct diag why = {0};

		assert_true(auth_answer(auth, response, SCOPE, NULL, &value, &why) < 0);
		if (!strstr(why.text, bad[i][2]))
			fail_msg("%s", why.text);
		http_response_free(response);
	}
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		const char *const values[] = {elsewhere[i][0], NULL};
		struct http_response *response = challenge(values);
		struct diag why = {0};

		assert_true(auth_answer(auth, response, SCOPE, NULL, &value, &why) < 0);
		if (!strstr(why.text, elsewhere[i][1]))
			fail_msg("%s", why.text);
		http_response_free(response);
	}
	assert_null(value);
	auth_free(auth);
}

static void many_scopes_do_not_grow_without_end(void **state)
{
	struct auth *auth = auth_of(NULL);
	struct http_response *response = bearer("{\"token\":\"t\"}", "");
	struct diag why = {0};
	char scope[32], *value = NULL;

	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)snprintf(scope, sizeof(scope), "scope-%d", i);
		assert_ok(auth_answer(auth, response, scope, NULL, &value, &why), &why);
		auth_value_freep(&value);
	}
	value = auth_value(auth, "scope-99");
	assert_string_equal("Bearer t", value);
	auth_value_freep(&value);
	assert_null(auth_value(auth, "scope-0"));
	http_response_free(response);
	auth_free(auth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(a_token_is_fetched_once_and_kept_for_its_scope),
		cmocka_unit_test(a_password_goes_to_the_token_server),
		cmocka_unit_test(an_identity_token_is_posted),
		cmocka_unit_test(basic_is_answered_with_a_password),
		cmocka_unit_test(what_token_servers_do_wrong_is_said),
		cmocka_unit_test(many_scopes_do_not_grow_without_end),
	};

	return cmocka_run_group_tests_name("oci/auth", tests, start, stop);
}
