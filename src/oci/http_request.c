/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "oci/http_private.h"

static int line_add(struct http_response *response, const char *line)
{
	struct curl_slist *list = response->http->curl->slist_append(response->lines, line);

	if (!list)
		return -ENOMEM;
	response->lines = list;
	return 0;
}

static int lines_set(struct http_response *response, const struct http_request *request,
		     bool is_own_host)
{
	CLEAN(memory_freep) char *authorization = NULL;
	bool has_type = false;
	int r = 0;

	for (size_t i = 0; r == 0 && request->headers && request->headers[i]; i++) {
		has_type |= strncmp(request->headers[i], "Content-Type:", 13) == 0;
		r = line_add(response, request->headers[i]);
	}
	/* libcurl would call a body a form. */
	if (r == 0 && !has_type)
		r = line_add(response, "Content-Type:");
	/* libcurl would have an upload wait for "100 Continue": a small body is there as soon. */
	if (r == 0 && request->is_sent_once)
		r = line_add(response, "Expect:");
	if (r < 0 || !request->authorization || !is_own_host)
		return r;
	if (asprintf(&authorization, "Authorization: %s", request->authorization) < 0)
		return -ENOMEM;
	r = line_add(response, authorization);
	explicit_bzero(authorization, strlen(authorization));
	return r;
}

static ssize_t rest_read(void *context, void *data, size_t size, struct diag *why)
{
	struct http_response *response = context;

	(void)why;
	size = size < response->rest.size ? size : response->rest.size;
	if (size)
		memcpy(data, response->rest.data, size);
	(void)span_from(response->rest, size, &response->rest);
	return (ssize_t)size;
}

static void body_set(struct http_response *response, const struct http_request *request)
{
	const struct curl *curl = response->http->curl;
	CURL *easy = response->channel->easy;
	uint64_t upload_size = request->upload_size;

	if (strcmp(request->method, "HEAD") == 0) {
		(void)curl->easy_setopt(easy, CURLOPT_NOBODY, 1L);
		response->is_head = true;
		return;
	}
	if (strcmp(request->method, "GET") == 0) {
		(void)curl->easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	response->has_body = true;
	response->upload = request->upload;
	if (!request->upload && request->is_sent_once) {
		/* What it cannot rewind, libcurl does not send again. */
		response->rest = request->body;
		response->once = (struct reader){.read = rest_read, .context = response};
		response->upload = &response->once;
		upload_size = request->body.size;
	}
	if (response->upload) {
		(void)curl->easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		(void)curl->easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
					upload_size == UINT64_MAX ? (curl_off_t)-1
								  : (curl_off_t)upload_size);
	} else {
		(void)curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
					(curl_off_t)request->body.size);
		(void)curl->easy_setopt(easy, CURLOPT_COPYPOSTFIELDS,
					request->body.size ? (const char *)request->body.data : "");
	}
	(void)curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

/* A private CA of one host comes on top of the system's, as in every other client of certs.d. */
static void tls_set(struct http_response *response)
{
	const struct http *http = response->http;
	CURL *easy = response->channel->easy;
	const char *file = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");
	struct curl_blob authorities = {http->authorities.data, http->authorities.size,
					CURL_BLOB_NOCOPY};

	if (file)
		(void)http->curl->easy_setopt(easy, CURLOPT_CAINFO, file);
	if (dir)
		(void)http->curl->easy_setopt(easy, CURLOPT_CAPATH, dir);
	if (http->authorities.size)
		(void)http->curl->easy_setopt(easy, CURLOPT_CAINFO_BLOB, &authorities);
	if (http->is_insecure) {
		(void)http->curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)http->curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (http->certificate && http_url_is_of(response->url, http->host)) {
		(void)http->curl->easy_setopt(easy, CURLOPT_SSLCERT, http->certificate);
		(void)http->curl->easy_setopt(easy, CURLOPT_SSLKEY, http->key);
	}
}

static int request_set(struct http_response *response, const struct http_request *request,
		       bool is_own_host)
{
	const struct curl *curl = response->http->curl;
	CURL *easy = response->channel->easy;
	int r = lines_set(response, request, is_own_host);

	if (r < 0)
		return r;
	transfer_prepare(response);
	body_set(response, request);
	tls_set(response);
	(void)curl->easy_setopt(easy, CURLOPT_HTTPHEADER, response->lines);
	/* This machine is not behind a proxy to itself. */
	if (http_url_is_loopback(response->url))
		(void)curl->easy_setopt(easy, CURLOPT_PROXY, "");
	if (curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
	    curl->easy_setopt(easy, CURLOPT_URL, response->url) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

/* Note how private the place is that the user sent us to. */
static void reach_note(struct http_response *response)
{
	const char *address = NULL;
	int reach, known = atomic_load(&response->http->reach);

	if (response->is_foreign ||
	    response->http->curl->easy_getinfo(response->channel->easy, CURLINFO_PRIMARY_IP,
					       &address) != CURLE_OK ||
	    !address)
		return;
	reach = (int)reach_of_text(address);
	while (reach > known &&
	       !atomic_compare_exchange_weak(&response->http->reach, &known, reach))
		;
}

/* One request, no redirects. */
static int send_once(struct http *http, const struct http_request *request, const char *url,
		     bool is_own_host, bool is_foreign, struct http_response **ret,
		     struct diag *why)
{
	CLEAN(http_response_freep) struct http_response *response = calloc(1, sizeof(*response));
	long status = 0;
	int r;

	if (!response)
		return -ENOMEM;
	response->http = http;
	response->is_foreign = is_foreign;
	response->url = strdup(url);
	response->channel = channel_take(http);
	if (!response->url || !response->channel)
		return -ENOMEM;
	r = request_set(response, request, is_own_host);
	r = r < 0 ? r : transfer_start(response, why);
	r = r < 0 ? r : transfer_run(response, &response->headers.is_complete, why);
	response->upload = NULL;
	if (r == 0 && !response->headers.is_complete) {
		r = transfer_error(response, why);
		/* Done without an error and without a header: there is nothing to say about it. */
		if (r == 0)
			r = diag_set(why, -EUCLEAN, "the answer has no header");
	}
	if (r < 0)
		return r;
	(void)http->curl->easy_getinfo(response->channel->easy, CURLINFO_RESPONSE_CODE, &status);
	response->status = (unsigned int)status;
	/* An address that was refused, where another one was taken. */
	response->failure = 0;
	reach_note(response);
	*ret = TAKE(response);
	return 0;
}

/* Whether the answer points elsewhere, and the request can go there as it is. */
static bool is_redirect(const struct http_response *response, const struct http_request *request)
{
	bool is_read = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;

	switch (response->status) {
	case 301:
	case 302:
	case 303:
		return is_read;
	case 307:
	case 308:
		return is_read || (!request->upload && request->body.size == 0);
	default:
		return false;
	}
}

static int redirect(const struct http_response *response, char **ret, struct diag *why)
{
	char brief[HTTP_BRIEF_SIZE];
	struct span location;
	int r;

	if (!http_header(response, "Location", 0, &location))
		return diag_set(why, -EUCLEAN, "%s: a redirect (%u) that leads nowhere",
				http_brief(response->url, brief), response->status);
	r = http_resolve(response->http, response->url, location, ret, why);
	if (r < 0)
		return diag_wrap(why, r, "%s: redirect refused", http_brief(response->url, brief));
	return 0;
}

int http_send(struct http *http, const struct http_request *request, struct http_response **ret,
	      struct diag *why)
{
	CLEAN(http_response_freep) struct http_response *response = NULL;
	CLEAN(memory_freep) char *url = strdup(request->url);
	char brief[HTTP_BRIEF_SIZE];
	int r;

	if (!url)
		return -ENOMEM;
	for (unsigned int hop = 0; hop <= HTTP_REDIRECTS_MAX; hop++) {
		http_response_free(TAKE(response));
		r = send_once(http, request, url, http_same_origin(url, request->url),
			      hop > 0 || request->is_foreign, &response, why);
		if (r < 0)
			return r;
		if (!is_redirect(response, request)) {
			*ret = TAKE(response);
			return 0;
		}
		free(TAKE(url));
		r = redirect(response, &url, why);
		if (r < 0)
			return r;
	}
	return diag_set(why, -E2BIG, "%s: more than %d redirects", http_brief(request->url, brief),
			HTTP_REDIRECTS_MAX);
}
