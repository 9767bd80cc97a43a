/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A server with a certificate that nobody trusts but who is told to, and one that says whether its
 * client showed a certificate.
 */
#include "check.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/diag.h"
#include "fixture.h"
#include "oci/http.h"

static char folder[] = "/tmp/lamina-certs-XXXXXX";
static struct fixture server, plain;
static bool is_ready;

static void run(const char *command)
{
	char line[1024];

	(void)snprintf(line, sizeof(line), "cd %s && %s", folder, command);
	if (system(line) != 0) /* NOLINT: words of our own */
		fail_msg("failed: %s", line);
}

static int start(void **state)
{
	static char certificate[128], key[128];
	const char *const words[] = {"python3",   source_path("tests/tools/http-fixture.py"),
				     certificate, key,
				     certificate, NULL};
	const char *const plain_words[] = {words[0], words[1], NULL};

	(void)state;
	is_ready = system("command -v openssl >/dev/null") == 0;
	if (!is_ready)
		return 0;
	assert_non_null(mkdtemp(folder));
	run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
	    "-subj /CN=lamina-test -addext subjectAltName=IP:127.0.0.1 -keyout a.key -out a.cert "
	    "2>/dev/null");
	(void)snprintf(certificate, sizeof(certificate), "%s/a.cert", folder);
	(void)snprintf(key, sizeof(key), "%s/a.key", folder);
	server = fixture_start(words);
	plain = fixture_start(plain_words);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&server);
	fixture_stop(&plain);
	if (is_ready)
		run("rm -rf -- \"$PWD\"");
	return 0;
}

/* Ask for path; the body goes into text. Returns the status or what went wrong. */
static int ask(const struct http_options *options, const char *path, char *text, size_t size,
	       struct diag *why)
{
	struct http_request request = {.method = "GET"};
	struct http_response *response;
	struct buf body = {0};
	struct http *http;
	char url[512];
	int r = http_new(options, &http, why);

	if (r < 0)
		return r;
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%d%s", server.port, path);
	request.url = url;
	r = http_send(http, &request, &response, why);
	if (r == 0) {
		assert_int_equal(0, http_read_all(response, 100000, &body, why));
		(void)snprintf(text, size, "%s", buf_string(&body));
		r = (int)http_status(response);
		http_response_free(response);
	}
	buf_release(&body);
	http_free(http);
	return r;
}

/* A folder "certs" with what command puts there. */
static void certs(const char *command, char host[32])
{
	char line[512];

	(void)snprintf(host, 32, "127.0.0.1:%d", server.port);
	(void)snprintf(line, sizeof(line), "rm -rf certs && mkdir certs && cd certs && %s",
		       command);
	run(line);
}

static struct http_options options_of(const char *host)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "%s/certs", folder);
	return (struct http_options){.host = host, .certs_dir = path};
}

static void an_unknown_authority_is_refused(void **state)
{
	struct diag why = {0};
	char text[4096];

	(void)state;
	need("openssl", is_ready, "there is no openssl");
	assert_int_equal(-EPERM, ask(&(struct http_options){0}, "/echo", text, sizeof(text), &why));
	assert_non_null(strstr(why.text, "certificate"));
}

static void an_insecure_registry_may_have_any_certificate(void **state)
{
	struct diag why = {0};
	char text[4096];

	(void)state;
	need("openssl", is_ready, "there is no openssl");
	assert_int_equal(200, ask(&(struct http_options){.is_insecure = true}, "/echo", text,
				  sizeof(text), &why));
}

static void an_authority_of_the_host_is_trusted(void **state)
{
	struct http_options options;
	struct diag why = {0};
	char text[4096], host[32];

	(void)state;
	need("openssl", is_ready, "there is no openssl");
	certs("cp ../a.cert ours.crt", host);
	options = options_of(host);
	assert_int_equal(200, ask(&options, "/echo", text, sizeof(text), &why));
	assert_non_null(strstr(text, "\"peer\": false"));
	run("rm certs/ours.crt");
	assert_int_equal(-EPERM, ask(&options, "/echo", text, sizeof(text), &why));
	run("rmdir certs");
	assert_int_equal(-EPERM, ask(&options, "/echo", text, sizeof(text), &why));
}

/* Where nobody names a folder, each host has its own in the usual ones. */
static void a_host_has_a_folder_of_its_own(void **state)
{
	struct http_options options = {0};
	struct diag why = {0};
	char text[4096], host[32], line[256];

	(void)state;
	need("openssl", is_ready, "there is no openssl");
	certs("true", host);
	assert_int_equal(0, setenv("HOME", folder, 1));
	(void)snprintf(line, sizeof(line),
		       "mkdir -p .config/containers/certs.d/%s && "
		       "cp a.cert .config/containers/certs.d/%s/ours.crt",
		       host, host);
	run(line);
	options.host = host;
	assert_int_equal(200, ask(&options, "/echo", text, sizeof(text), &why));
	options.host = "127.0.0.1:1";
	assert_int_equal(-EPERM, ask(&options, "/echo", text, sizeof(text), &why));
}

static void a_client_certificate_is_for_its_host_only(void **state)
{
	struct http_options options;
	struct diag why = {0};
	char text[4096], host[32];

	(void)state;
	need("openssl", is_ready, "there is no openssl");
	certs("cp ../a.cert ours.crt && cp ../a.cert ../a.key .", host);
	options = options_of(host);
	assert_int_equal(200, ask(&options, "/echo", text, sizeof(text), &why));
	assert_non_null(strstr(text, "\"peer\": true"));

	/* The same folder for another host: what that gets to see is not shown here. */
	options.host = "other.example";
	options.is_insecure = true;
	assert_int_equal(200, ask(&options, "/echo", text, sizeof(text), &why));
	assert_non_null(strstr(text, "\"peer\": false"));
}

static void a_certificate_without_its_key_is_an_error(void **state)
{
	struct http_options options;
	struct diag why = {0};
	char text[4096], host[32];

	(void)state;
	need("openssl", is_ready, "there is no openssl");
	certs("cp ../a.cert a.cert", host);
	options = options_of(host);
	assert_int_equal(-ENOENT, ask(&options, "/echo", text, sizeof(text), &why));
	assert_non_null(strstr(why.text, "a.key"));
}

static void a_redirect_to_http_is_refused(void **state)
{
	struct http_options options;
	struct diag why = {0};
	char text[4096], host[32], path[128];

	(void)state;
	need("openssl", is_ready, "there is no openssl");
	certs("cp ../a.cert ours.crt", host);
	options = options_of(host);
	(void)snprintf(path, sizeof(path), "/redirect?to=http%%3A%%2F%%2F127.0.0.1%%3A%d%%2Fecho",
		       plain.port);
	assert_int_equal(-EPERM, ask(&options, path, text, sizeof(text), &why));
	assert_non_null(strstr(why.text, "from https to http"));
	options.is_insecure = true;
	assert_int_equal(200, ask(&options, path, text, sizeof(text), &why));
}

static void plain_http_where_tls_is_wanted_has_its_own_error(void **state)
{
	struct http *http;
	struct http_response *response;
	struct http_request request = {.method = "GET"};
	struct diag why = {0};
	char url[64];

	(void)state;
	need("openssl", is_ready, "there is no openssl");
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%d/", plain.port);
	request.url = url;
	assert_int_equal(0, http_new(&(struct http_options){0}, &http, &why));
	assert_int_equal(-EPROTO, http_send(http, &request, &response, &why));
	assert_non_null(strstr(why.text, "speaks no TLS"));
	http_free(http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_authority_is_refused),
		cmocka_unit_test(an_insecure_registry_may_have_any_certificate),
		cmocka_unit_test(an_authority_of_the_host_is_trusted),
		cmocka_unit_test(a_host_has_a_folder_of_its_own),
		cmocka_unit_test(a_client_certificate_is_for_its_host_only),
		cmocka_unit_test(a_certificate_without_its_key_is_an_error),
		cmocka_unit_test(a_redirect_to_http_is_refused),
		cmocka_unit_test(plain_http_where_tls_is_wanted_has_its_own_error),
	};

	return cmocka_run_group_tests_name("oci/http_certs", tests, start, stop);
}
