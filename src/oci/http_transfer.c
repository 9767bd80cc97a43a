/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * One transfer, driven by whoever wants its bytes: libcurl runs only inside transfer_run(). What it
 * brings goes straight to where http_read() wants it; what does not fit waits in a small buffer,
 * and when that is full the transfer pauses, so that the network waits for us and not memory.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "oci/http_private.h"

#define SPARE_SIZE_MAX (512 * 1024) /* a few reads of a layer's importer */
#define BUFFER_SIZE (256 * 1024)    /* libcurl reads from a socket: fewer calls than its 16 KiB */
#define POLL_MS 500                 /* how often a silent connection is looked at */
#define PATIENCE_WITH_BODY 10       /* times the stall timeout for the answer to what we sent */

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Give up from inside a callback. */
static void give_up(struct http_response *response, int err)
{
	if (response->failure == 0)
		response->failure = err;
}

static size_t on_header(char *data, size_t one, size_t size, void *context)
{
	struct http_response *response = context;
	int r;

	(void)one;
	response->moved_bytes += size;
	r = http_headers_add(&response->headers, span_of(data, size));
	if (r == 0)
		return size;
	give_up(response,
		r == -E2BIG ? diag_set(&response->reason, r, "the header has more than %d bytes",
				       HTTP_HEADERS_SIZE_MAX)
			    : r);
	return 0;
}

static size_t on_body(char *data, size_t one, size_t size, void *context)
{
	struct http_response *response = context;
	size_t direct = response->target_size - response->target_used;

	(void)one;
	if (direct == 0 && response->spare.size >= SPARE_SIZE_MAX) {
		response->is_paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	response->moved_bytes += size;
	/* Order: what is in spare has come before. */
	if (response->spare.size)
		direct = 0;
	direct = direct < size ? direct : size;
	if (direct) {
		memcpy(response->target + response->target_used, data, direct);
		response->target_used += direct;
	}
	if (buf_append(&response->spare, data + direct, size - direct) < 0) {
		give_up(response, -ENOMEM);
		return 0;
	}
	return size;
}

static size_t on_upload(char *data, size_t one, size_t size, void *context)
{
	struct http_response *response = context;
	ssize_t got;

	(void)one;
	/* The answer came before the end: nobody wants the rest. */
	if (!response->upload)
		return CURL_READFUNC_ABORT;
	got = reader_read(response->upload, data, size, &response->reason);
	if (got < 0) {
		give_up(response, (int)got);
		return CURL_READFUNC_ABORT;
	}
	response->moved_bytes += (size_t)got;
	return (size_t)got;
}

/* Where a server sends us may not be more private than where the user did. */
static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_response *response = context;

	(void)purpose;
	if (response->is_foreign &&
	    (int)reach_of(&address->addr) > atomic_load(&response->http->reach)) {
		give_up(response, diag_set(&response->reason, -EPERM,
					   "the server points to an address that is private to "
					   "this site or this machine"));
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void transfer_prepare(struct http_response *response)
{
	const struct curl *curl = response->http->curl;
	CURL *easy = response->channel->easy;

	(void)curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* http_send() does */
	(void)curl->easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE);
	(void)curl->easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl->easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
				(long)response->http->connect_timeout_ms);
	(void)curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, response->said);
	(void)curl->easy_setopt(easy, CURLOPT_USERAGENT, "lamina/" LAMINA_VERSION);
	(void)curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl->easy_setopt(easy, CURLOPT_HEADERDATA, response);
	(void)curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl->easy_setopt(easy, CURLOPT_WRITEDATA, response);
	(void)curl->easy_setopt(easy, CURLOPT_READFUNCTION, on_upload);
	(void)curl->easy_setopt(easy, CURLOPT_READDATA, response);
	(void)curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	(void)curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, response);
}

int transfer_start(struct http_response *response, struct diag *why)
{
	CURLMcode code = response->http->curl->multi_add_handle(response->channel->multi,
								response->channel->easy);

	if (code != CURLM_OK)
		return diag_set(why, -ENOMEM, "libcurl does not take another transfer");
	return 0;
}

/*
 * OpenSSL writes without MSG_NOSIGNAL, and how SIGPIPE is handled is the program's choice, not
 * ours: it is blocked in this thread, and what came of it is taken away again.
 */
static CURLMcode perform(struct http_response *response)
{
	const struct timespec at_once = {0};
	sigset_t pipe_only, pending, before;
	bool was_pending;
	CURLMcode code;
	int running;

	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	(void)sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE) == 1;
	(void)pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	if (response->is_paused) {
		response->is_paused = false;
		(void)response->http->curl->easy_pause(response->channel->easy, CURLPAUSE_CONT);
	}
	code = response->http->curl->multi_perform(response->channel->multi, &running);
	if (!was_pending)
		(void)sigtimedwait(&pipe_only, NULL, &at_once);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

/* Wait for the network, and give up when it brought too little for too long. */
static int wait_for_more(struct http_response *response, struct diag *why)
{
	const struct http *http = response->http;
	uint64_t patience = http->stall_timeout_ms, start = now_ms();
	char brief[HTTP_BRIEF_SIZE];

	(void)http->curl->multi_poll(response->channel->multi, NULL, 0, POLL_MS, NULL);
	response->waited_ms += now_ms() - start;
	if (response->has_body && !response->headers.is_complete)
		patience *= PATIENCE_WITH_BODY;
	if (response->waited_ms < patience)
		return 0;
	if (response->moved_bytes < patience * HTTP_RATE_MIN / 1000)
		return diag_set(why, -ETIMEDOUT, "%s: %llu bytes in %llu seconds: given up",
				http_brief(response->url, brief),
				(unsigned long long)response->moved_bytes,
				(unsigned long long)(response->waited_ms + 999) / 1000);
	response->waited_ms = response->moved_bytes = 0;
	return 0;
}

static void take_result(struct http_response *response)
{
	struct CURLMsg *message;
	int left;

	while ((message = response->http->curl->multi_info_read(response->channel->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		response->is_done = true;
		response->result = message->data.result;
	}
}

int transfer_run(struct http_response *response, const bool *flag, struct diag *why)
{
	int r;

	for (;;) {
		if (!response->is_done && perform(response) != CURLM_OK)
			return diag_set(why, -EIO, "libcurl failed");
		take_result(response);
		if (response->is_done || (flag ? *flag : response->target_used > 0))
			return 0;
		r = wait_for_more(response, why);
		if (r < 0)
			return r;
	}
}

static int error_of(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_GOT_NOTHING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return -ECONNRESET;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return -EPERM;
	case CURLE_SSL_CONNECT_ERROR:
		return -EPROTO;
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9: an answer without a header */
	case CURLE_WEIRD_SERVER_REPLY:
		return -EUCLEAN;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

/*
 * What OpenSSL and GnuTLS say of an answer in plain HTTP tells nobody that it is one, nor what to
 * do: it is by far the most frequent end of the first try with a registry on one's own machine.
 */
static bool is_without_tls(const struct http_response *response)
{
	return response->result == CURLE_SSL_CONNECT_ERROR &&
	       (strstr(response->said, "wrong version number") ||
		strstr(response->said, "packet length too long") ||
		strstr(response->said, "unexpected TLS packet"));
}

/* How a transfer that is done failed; 0: it did not. */
int transfer_error(struct http_response *response, struct diag *why)
{
	char brief[HTTP_BRIEF_SIZE];

	if (response->result == CURLE_OK)
		return 0;
	(void)http_brief(response->url, brief);
	if (response->failure < 0) {
		(void)diag_set(why, 0, "%s", response->reason.text);
		return diag_wrap(why, response->failure, "%s", brief);
	}
	if (is_without_tls(response))
		return diag_set(why, error_of(response->result),
				"%s: the server speaks no TLS (taken with --tls-verify=false, or "
				"'insecure = true' in registries.conf)",
				brief);
	for (char *c = response->said; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	return diag_set(why, error_of(response->result), "%s: %.200s", brief,
			response->said[0] ? response->said
					  : response->http->curl->easy_strerror(response->result));
}

/* What did not fit before. */
static size_t spare_take(struct http_response *response, void *data, size_t size)
{
	size_t left = response->spare.size - response->spare_used;

	size = size < left ? size : left;
	if (size)
		memcpy(data, response->spare.data + response->spare_used, size);
	response->spare_used += size;
	if (response->spare_used == response->spare.size)
		response->spare.size = response->spare_used = 0;
	return size;
}

ssize_t http_read(struct http_response *response, void *data, size_t size, struct diag *why)
{
	size_t got = spare_take(response, data, size);
	int r;

	if (got)
		return (ssize_t)got;
	response->target = data;
	response->target_size = size;
	response->target_used = 0;
	r = transfer_run(response, NULL, why);
	got = response->target_used;
	response->target = NULL;
	response->target_size = response->target_used = 0;
	if (r < 0)
		return r;
	return got ? (ssize_t)got : transfer_error(response, why);
}

int http_read_all(struct http_response *response, size_t limit, struct buf *ret, struct diag *why)
{
	uint64_t announced = http_content_length(response);
	size_t before = ret->size;
	uint8_t data[16 * 1024];
	char brief[HTTP_BRIEF_SIZE];
	ssize_t got;

	(void)http_brief(response->url, brief);
	if (announced != UINT64_MAX && announced > limit && !response->is_head)
		return diag_set(why, -E2BIG, "%s: %llu bytes, of which %zu would be taken", brief,
				(unsigned long long)announced, limit);
	while ((got = http_read(response, data, sizeof(data), why)) > 0) {
		int r = 0;

		if ((size_t)got > limit - (ret->size - before))
			r = diag_set(why, -E2BIG, "%s: more than %zu bytes", brief, limit);
		if (r == 0)
			r = buf_append(ret, data, (size_t)got);
		if (r < 0) {
			ret->size = before;
			return r;
		}
	}
	if (got < 0)
		ret->size = before;
	return (int)got;
}
