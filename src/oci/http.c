/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "oci/http_private.h"

#define IDLE_MAX 8 /* connections of more layers at a time than anybody pulls */

static void channel_free(const struct curl *curl, struct channel *channel)
{
	if (channel->easy)
		curl->easy_cleanup(channel->easy);
	if (channel->multi)
		(void)curl->multi_cleanup(channel->multi);
	free(channel);
}

/* NULL when memory ran out. */
struct channel *channel_take(struct http *http)
{
	struct channel *channel;

	(void)pthread_mutex_lock(&http->lock);
	channel = http->idle;
	if (channel) {
		http->idle = channel->next;
		http->idle_count--;
	}
	(void)pthread_mutex_unlock(&http->lock);
	if (channel)
		return channel;
	channel = calloc(1, sizeof(*channel));
	if (!channel)
		return NULL;
	channel->multi = http->curl->multi_init();
	channel->easy = http->curl->easy_init();
	if (channel->multi && channel->easy)
		return channel;
	channel_free(http->curl, channel);
	return NULL;
}

void channel_give(struct http *http, struct channel *channel)
{
	bool is_kept;

	/* Options go, connections stay. */
	http->curl->easy_reset(channel->easy);
	(void)pthread_mutex_lock(&http->lock);
	is_kept = http->idle_count < IDLE_MAX;
	if (is_kept) {
		channel->next = http->idle;
		http->idle = channel;
		http->idle_count++;
	}
	(void)pthread_mutex_unlock(&http->lock);
	if (!is_kept)
		channel_free(http->curl, channel);
}

void http_free(struct http *http)
{
	if (!http)
		return;
	while (http->idle) {
		struct channel *channel = http->idle;

		http->idle = channel->next;
		channel_free(http->curl, channel);
	}
	(void)pthread_mutex_destroy(&http->lock);
	free(http->host);
	free(http->certificate);
	free(http->key);
	buf_release(&http->authorities);
	free(http);
}

void http_freep(struct http **http)
{
	int saved = errno;

	http_free(*http);
	errno = saved;
}

int http_new(const struct http_options *options, struct http **ret, struct diag *why)
{
	CLEAN(http_freep) struct http *http = NULL;
	const struct curl *curl;
	int r = curl_load(&curl, why);

	if (r < 0)
		return r;
	http = calloc(1, sizeof(*http));
	if (!http)
		return -ENOMEM;
	http->curl = curl;
	(void)pthread_mutex_init(&http->lock, NULL);
	http->is_insecure = options->is_insecure;
	http->connect_timeout_ms =
		options->connect_timeout_ms ? options->connect_timeout_ms : HTTP_CONNECT_TIMEOUT_MS;
	http->stall_timeout_ms =
		options->stall_timeout_ms ? options->stall_timeout_ms : HTTP_STALL_TIMEOUT_MS;
	http->host = options->host ? strdup(options->host) : NULL;
	if (options->host && !http->host)
		return -ENOMEM;
	if (http->host) {
		r = http_certs_load(http, options->certs_dir, why);
		if (r < 0)
			return r;
	}
	*ret = TAKE(http);
	return 0;
}

unsigned int http_status(const struct http_response *response)
{
	return response->status;
}

const char *http_url(const struct http_response *response)
{
	return response->url;
}

bool http_header(const struct http_response *response, const char *name, size_t index,
		 struct span *ret)
{
	return http_headers_find(&response->headers, name, index, ret);
}

uint64_t http_content_length(const struct http_response *response)
{
	struct span value;
	uint64_t size;

	if (!http_header(response, "Content-Length", 0, &value) || !http_number(value, &size))
		return UINT64_MAX;
	return size;
}

bool http_error_is_transient(int err)
{
	switch (err) {
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -ECONNABORTED:
	case -EPIPE:
	case -ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

void http_response_free(struct http_response *response)
{
	if (!response)
		return;
	if (response->channel) {
		(void)response->http->curl->multi_remove_handle(response->channel->multi,
								response->channel->easy);
		channel_give(response->http, response->channel);
	}
	response->http->curl->slist_free_all(response->lines);
	http_headers_release(&response->headers);
	buf_release(&response->spare);
	free(response->url);
	free(response);
}

void http_response_freep(struct http_response **response)
{
	int saved = errno;

	http_response_free(*response);
	errno = saved;
}
