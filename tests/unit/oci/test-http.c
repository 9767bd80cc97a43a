/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/limits.h"
#include "fixture.h"
#include "oci/http.h"

static struct fixture server, other;

static int start(void **state)
{
	const char *const words[] = {"python3", source_path("tests/tools/http-fixture.py"), NULL};

	(void)state;
	server = fixture_start(words);
	other = fixture_start(words);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&server);
	fixture_stop(&other);
	return 0;
}

static struct http *client(const struct http_options *options)
{
	struct http *http;
	struct diag why = {0};

	assert_ok(http_new(options, &http, &why), &why);
	return http;
}

static const char *url(const struct fixture *fixture, const char *path)
{
	static char text[2][1024];
	static int turn;

	turn = !turn;
	(void)snprintf(text[turn], sizeof(text[turn]), "http://127.0.0.1:%d%s", fixture->port,
		       path);
	return text[turn];
}

static int get(struct http *http, const char *where, struct buf *ret, struct diag *why)
{
	const struct http_request request = {.method = "GET", .url = where};
	struct http_response *response;
	int r = http_send(http, &request, &response, why);

	if (r < 0)
		return r;
	r = http_read_all(response, 1 << 20, ret, why);
	if (r == 0)
		r = (int)http_status(response);
	http_response_free(response);
	return r;
}

/* What the server notes of the requests since the last time. */
static char *log_of(struct http *http, const struct fixture *fixture, struct buf *ret)
{
	struct diag why = {0};

	ret->size = 0;
	assert_int_equal(200, get(http, url(fixture, "/log"), ret, &why));
	return buf_string(ret);
}

static void a_body_is_read_as_it_comes(void **state)
{
	struct http *http = client(&(struct http_options){0});
	const struct http_request request = {.method = "GET",
					     .url = url(&server, "/bytes/3000000")};
	struct http_response *response;
	struct diag why = {0};
	uint8_t data[10000];
	uint64_t at = 0;
	ssize_t got;

	(void)state;
	assert_ok(http_send(http, &request, &response, &why), &why);
	assert_int_equal(200, http_status(response));
	assert_int_equal(3000000, http_content_length(response));
	while ((got = http_read(response, data, sizeof(data), &why)) > 0) {
		for (ssize_t i = 0; i < got; i++, at++) {
			if (data[i] != fixture_byte(at))
				fail_msg("byte %llu is wrong", (unsigned long long)at);
		}
	}
	assert_ok((int)got, &why);
	assert_int_equal(3000000, at);
	http_response_free(response);
	http_free(http);
}

static void what_is_asked_for_arrives(void **state)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH"};
	static const char *const headers[] = {"X-One: 1", "Content-Type: application/x", NULL};
	struct http *http = client(&(struct http_options){0});

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct http_request request = {.method = methods[i],
						     .url = url(&server, "/echo?a=b"),
						     .headers = headers,
						     .authorization = "Basic c2VjcmV0",
						     .body = SPAN_LITERAL("hello")};
		struct http_response *response;
		struct buf body = {0};
		struct diag why = {0};
		char *text;

		assert_ok(http_send(http, &request, &response, &why), &why);
		assert_ok(http_read_all(response, 10000, &body, &why), &why);
		text = buf_string(&body);
		assert_non_null(strstr(text, methods[i]));
		assert_non_null(strstr(text, "\"path\": \"/echo?a=b\""));
		assert_non_null(strstr(text, "\"body\": \"hello\""));
		assert_non_null(strstr(text, "\"x-one\": \"1\""));
		assert_non_null(strstr(text, "\"content-type\": \"application/x\""));
		assert_non_null(strstr(text, "\"authorization\": \"Basic c2VjcmV0\""));
		assert_non_null(strstr(text, "\"user-agent\": \"lamina/"));
		http_response_free(response);
		buf_release(&body);
	}
	http_free(http);
}

static void a_head_has_no_body(void **state)
{
	struct http *http = client(&(struct http_options){0});
	const struct http_request request = {.method = "HEAD",
					     .url = url(&server, "/bytes/5000000")};
	struct http_response *response;
	struct buf body = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(http_send(http, &request, &response, &why), &why);
	assert_int_equal(5000000, http_content_length(response));
	assert_ok(http_read_all(response, 10, &body, &why), &why);
	assert_int_equal(0, body.size);
	http_response_free(response);
	http_free(http);
}

/* Delivers count bytes of the pattern, then what end says. */
struct stream {
	uint64_t at;
	uint64_t count;
	int end;
};

static ssize_t stream_read(void *context, void *data, size_t size, struct diag *why)
{
	struct stream *stream = context;
	uint64_t left = stream->count - stream->at;

	if (left == 0)
		return stream->end ? diag_set(why, stream->end, "the disk is gone") : 0;
	size = size < left ? size : (size_t)left;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)data)[i] = fixture_byte(stream->at++);
	return (ssize_t)size;
}

static void an_upload_is_read_as_it_is_sent(void **state)
{
	struct http *http = client(&(struct http_options){0});

	(void)state;
	for (int is_sized = 0; is_sized < 2; is_sized++) {
		struct stream stream = {.count = 2500000};
		const struct reader reader = {.read = stream_read, .context = &stream};
		const struct http_request request = {.method = "PATCH",
						     .url = url(&server, "/echo"),
						     .upload = &reader,
						     .upload_size =
							     is_sized ? 2500000 : UINT64_MAX};
		struct http_response *response;
		struct buf body = {0};
		struct diag why = {0};
		char sum[64];
		uint64_t total = 0;

		for (uint64_t i = 0; i < 2500000; i++)
			total += fixture_byte(i);
		(void)snprintf(sum, sizeof(sum), "\"sum\": %llu,", (unsigned long long)total);
		assert_ok(http_send(http, &request, &response, &why), &why);
		assert_ok(http_read_all(response, 10000, &body, &why), &why);
		assert_non_null(strstr(buf_string(&body), "\"size\": 2500000,"));
		assert_non_null(strstr(buf_string(&body), sum));
		http_response_free(response);
		buf_release(&body);
	}
	http_free(http);
}

static void an_upload_fails_as_its_reader_does(void **state)
{
	struct http *http = client(&(struct http_options){0});
	struct stream stream = {.count = 100000, .end = -ENXIO};
	const struct reader reader = {.read = stream_read, .context = &stream};
	const struct http_request request = {.method = "PUT",
					     .url = url(&server, "/echo"),
					     .upload = &reader,
					     .upload_size = 200000};
	struct http_response *response;
	struct diag why = {0};

	(void)state;
	assert_int_equal(-ENXIO, http_send(http, &request, &response, &why));
	assert_non_null(strstr(why.text, "the disk is gone"));
	http_free(http);
}

static void redirects_are_followed_without_the_credentials_of_another_host(void **state)
{
	struct http *http = client(&(struct http_options){0});
	char where[512];
	struct buf text = {0};
	struct http_response *response;
	struct http_request request = {.method = "GET", .authorization = "Bearer secret"};
	struct diag why = {0};

	(void)state;
	(void)log_of(http, &other, &text);
	(void)snprintf(where, sizeof(where), "/redirect?to=%s", url(&other, "/echo"));
	request.url = url(&server, where);
	assert_ok(http_send(http, &request, &response, &why), &why);
	assert_string_equal(url(&other, "/echo"), http_url(response));
	http_response_free(response);
	assert_null(strstr(log_of(http, &other, &text), "authorization"));
	assert_non_null(strstr(log_of(http, &server, &text), "Bearer secret"));

	request.url = url(&server, "/redirect?to=echo&status=307");
	assert_ok(http_send(http, &request, &response, &why), &why);
	assert_string_equal(url(&server, "/echo"), http_url(response));
	http_response_free(response);
	assert_non_null(strstr(strstr(log_of(http, &server, &text), "/echo"), "Bearer secret"));
	buf_release(&text);
	http_free(http);
}

static void redirects_elsewhere_are_refused(void **state)
{
	static const char *const to[] = {"file%3A%2F%2F%2Fetc%2Fpasswd",
					 "ftp%3A%2F%2F127.0.0.1%2F",
					 "gopher%3A%2F%2F127.0.0.1%2F",
					 "http%3A%2F%2Fuser%40127.0.0.1%2F",
					 "http%3A%2F%2F",
					 "javascript%3A1"};
	struct http *http = client(&(struct http_options){0});
	char where[512];

	(void)state;
	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		struct buf body = {0};
		struct diag why = {0};
		int r;

		(void)snprintf(where, sizeof(where), "/redirect?to=%s", to[i]);
		r = get(http, url(&server, where), &body, &why);
		if (r != -EPERM || !strstr(why.text, "redirect refused"))
			fail_msg("%s: %d %s", to[i], r, why.text);
		assert_int_equal(0, body.size);
	}
	http_free(http);
}

static void redirects_end(void **state)
{
	struct http *http = client(&(struct http_options){0});
	struct buf body = {0}, text = {0};
	struct diag why = {0};
	size_t count = 0;

	(void)state;
	(void)log_of(http, &server, &text);
	assert_int_equal(-E2BIG, get(http, url(&server, "/loop"), &body, &why));
	assert_non_null(strstr(why.text, "redirects"));
	for (char *at = log_of(http, &server, &text); (at = strstr(at, "\"/loop\"")); at++)
		count++;
	assert_int_equal(HTTP_REDIRECTS_MAX + 1, count);
	buf_release(&text);
	http_free(http);
}

static void an_upload_does_not_follow_a_redirect(void **state)
{
	struct http *http = client(&(struct http_options){0});
	struct stream stream = {.count = 10};
	const struct reader reader = {.read = stream_read, .context = &stream};
	const struct http_request request = {.method = "PUT",
					     .url = url(&server, "/redirect?to=/echo&status=307"),
					     .upload = &reader,
					     .upload_size = 10};
	struct http_response *response;
	struct diag why = {0};

	(void)state;
	assert_ok(http_send(http, &request, &response, &why), &why);
	assert_int_equal(307, http_status(response));
	http_response_free(response);
	http_free(http);
}

static void sizes_are_limited(void **state)
{
	struct http *http = client(&(struct http_options){0});
	struct buf body = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(-E2BIG, get(http, url(&server, "/bytes/1048577"), &body, &why));
	assert_int_equal(-E2BIG,
			 get(http, url(&server, "/bytes/1048577?length=none"), &body, &why));
	assert_int_equal(-E2BIG, get(http, url(&server, "/endless"), &body, &why));
	assert_non_null(strstr(why.text, "more than 1048576 bytes"));
	assert_int_equal(0, body.size);
	assert_int_equal(200, get(http, url(&server, "/headers?size=30000"), &body, &why));
	assert_int_equal(-E2BIG, get(http, url(&server, "/headers?size=70000"), &body, &why));
	assert_int_equal(-E2BIG,
			 get(http, url(&server, "/headers?size=10&count=5000"), &body, &why));
	assert_non_null(strstr(why.text, "header has more than 65536"));
	buf_release(&body);
	http_free(http);
}

static void an_answer_that_ends_early_is_an_error(void **state)
{
	struct http *http = client(&(struct http_options){0});
	struct buf body = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(-ECONNRESET, get(http, url(&server, "/bytes/9000?cut=500"), &body, &why));
	assert_true(http_error_is_transient(-ECONNRESET));
	assert_int_equal(0, body.size);
	assert_int_equal(-EUCLEAN, get(http, url(&server, "/garbage"), &body, &why));
	assert_false(http_error_is_transient(-EUCLEAN));
	/* A Content-Length below what comes: the rest is not ours. */
	assert_int_equal(200, get(http, url(&server, "/bytes/9000?length=100"), &body, &why));
	assert_int_equal(100, body.size);
	buf_release(&body);
	http_free(http);
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void a_slow_or_silent_server_is_given_up(void **state)
{
	struct http *http = client(&(struct http_options){.stall_timeout_ms = 700});
	struct buf body = {0};
	struct diag why = {0};
	double start = seconds();

	(void)state;
	assert_int_equal(-ETIMEDOUT, get(http, url(&server, "/silent"), &body, &why));
	assert_int_equal(-ETIMEDOUT, get(http, url(&server, "/bytes/9000?rate=50"), &body, &why));
	assert_non_null(strstr(why.text, "given up"));
	assert_true(seconds() - start < 10);
	buf_release(&body);
	http_free(http);
}

/* Time that we take ourselves is not the server's. */
static void a_slow_reader_is_not_the_servers_fault(void **state)
{
	struct http *http = client(&(struct http_options){.stall_timeout_ms = 300});
	const struct http_request request = {.method = "GET",
					     .url = url(&server, "/bytes/4000000")};
	struct http_response *response;
	struct diag why = {0};
	uint8_t *data = malloc(1 << 20);
	uint64_t total = 0;
	ssize_t got;

	(void)state;
	assert_ok(http_send(http, &request, &response, &why), &why);
	while ((got = http_read(response, data, 1 << 20, &why)) > 0) {
		total += (uint64_t)got;
		if (total < 1500000)
			(void)usleep(400000);
	}
	assert_ok((int)got, &why);
	assert_int_equal(4000000, total);
	http_response_free(response);
	free(data);
	http_free(http);
}

static void the_network_says_why(void **state)
{
	struct http *http = client(&(struct http_options){.connect_timeout_ms = 2000});
	struct fixture gone = other;
	struct buf body = {0};
	struct diag why = {0};

	(void)state;
	gone.port = 1;
	assert_int_equal(-ECONNREFUSED, get(http, url(&gone, "/x?secret=1"), &body, &why));
	assert_non_null(strstr(why.text, "127.0.0.1:1/x: "));
	assert_null(strstr(why.text, "secret"));
	assert_int_equal(-EHOSTUNREACH, get(http, "http://nowhere.invalid/", &body, &why));
	assert_true(http_error_is_transient(-EHOSTUNREACH));
	assert_true(get(http, "file:///etc/passwd", &body, &why) < 0);
	assert_int_equal(0, body.size);
	buf_release(&body);
	http_free(http);
}

static void a_proxy_is_taken_from_the_environment(void **state)
{
	struct http *http = client(&(struct http_options){0});
	struct buf body = {0}, text = {0};
	struct diag why = {0};
	char proxy[64];

	(void)state;
	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", other.port);
	assert_int_equal(0, setenv("http_proxy", proxy, 1));
	(void)log_of(http, &other, &text); /* not by itself: this machine has no proxy */
	assert_int_equal(404, get(http, "http://registry.invalid/echo2", &body, &why));
	assert_int_equal(200, get(http, url(&server, "/echo"), &body, &why));
	assert_int_equal(0, unsetenv("http_proxy"));
	(void)log_of(http, &other, &text);
	assert_non_null(strstr(buf_string(&text), "http://registry.invalid/echo2"));
	assert_null(strstr(buf_string(&text), "/echo\""));
	buf_release(&body);
	buf_release(&text);
	http_free(http);
}

static char shared_url[128];

static void *get_many(void *context)
{
	for (int i = 0; i < 20; i++) {
		struct buf body = {0};
		struct diag why = {0};

		assert_int_equal(200, get(context, shared_url, &body, &why));
		assert_int_equal(100000, body.size);
		buf_release(&body);
	}
	return NULL;
}

static void several_threads_share_a_client(void **state)
{
	struct http *http = client(&(struct http_options){0});
	pthread_t threads[4];

	(void)state;
	(void)snprintf(shared_url, sizeof(shared_url), "%s", url(&server, "/bytes/100000"));
	for (int i = 0; i < 4; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, get_many, http));
	for (int i = 0; i < 4; i++)
		assert_int_equal(0, pthread_join(threads[i], NULL));
	http_free(http);
}

static void a_response_may_be_left_at_any_time(void **state)
{
	struct http *http = client(&(struct http_options){0});
	const struct http_request request = {.method = "GET", .url = url(&server, "/endless")};
	struct diag why = {0};
	uint8_t data[5000];

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct http_response *response;

		assert_ok(http_send(http, &request, &response, &why), &why);
		for (int n = 0; n < i; n++)
			assert_true(http_read(response, data, sizeof(data), &why) > 0);
		http_response_free(response);
	}
	http_free(http);
}

static void messages_have_no_query_and_no_user(void **state)
{
	char brief[HTTP_BRIEF_SIZE], longer[400] = "https://h/";

	(void)state;
	assert_string_equal("h:1/a/b", http_brief("https://h:1/a/b?X-Signature=secret#x", brief));
	assert_string_equal("h/a@b", http_brief("https://me:secret@h/a@b", brief));
	assert_string_equal("h", http_brief("https://h?a=/@b", brief));
	assert_string_equal("?[31m", http_brief("\033[31m", brief));
	memset(longer + 10, 'a', sizeof(longer) - 11);
	assert_int_equal(HTTP_BRIEF_SIZE - 1, strlen(http_brief(longer, brief)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_read_as_it_comes),
		cmocka_unit_test(what_is_asked_for_arrives),
		cmocka_unit_test(a_head_has_no_body),
		cmocka_unit_test(an_upload_is_read_as_it_is_sent),
		cmocka_unit_test(an_upload_fails_as_its_reader_does),
		cmocka_unit_test(redirects_are_followed_without_the_credentials_of_another_host),
		cmocka_unit_test(redirects_elsewhere_are_refused),
		cmocka_unit_test(redirects_end),
		cmocka_unit_test(an_upload_does_not_follow_a_redirect),
		cmocka_unit_test(sizes_are_limited),
		cmocka_unit_test(an_answer_that_ends_early_is_an_error),
		cmocka_unit_test(a_slow_or_silent_server_is_given_up),
		cmocka_unit_test(a_slow_reader_is_not_the_servers_fault),
		cmocka_unit_test(the_network_says_why),
		cmocka_unit_test(a_proxy_is_taken_from_the_environment),
		cmocka_unit_test(several_threads_share_a_client),
		cmocka_unit_test(a_response_may_be_left_at_any_time),
		cmocka_unit_test(messages_have_no_query_and_no_user),
	};

	return cmocka_run_group_tests_name("oci/http", tests, start, stop);
}
