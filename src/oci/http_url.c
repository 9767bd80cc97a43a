/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * URLs are taken apart by libcurl only, which also connects to them: two opinions of where a host
 * ends are how a check is passed by.
 */
#include <errno.h>
#include <strings.h>

#include "base/cleanup.h"
#include "oci/http_private.h"

/* scheme, host and port, as libcurl sees them. Owned strings of libcurl. */
struct origin {
	const struct curl *curl;
	char *scheme;
	char *host;
	char *port; /* that of the scheme where the URL has none */
};

static void origin_release(struct origin *origin)
{
	origin->curl->free(origin->scheme);
	origin->curl->free(origin->host);
	origin->curl->free(origin->port);
}

static bool origin_of(const char *url, struct origin *ret)
{
	CURLU *parts;
	bool is_whole;

	if (curl_load(&ret->curl, NULL) < 0)
		return false;
	parts = ret->curl->url();
	is_whole = parts && ret->curl->url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		   ret->curl->url_get(parts, CURLUPART_SCHEME, &ret->scheme, 0) == CURLUE_OK &&
		   ret->curl->url_get(parts, CURLUPART_HOST, &ret->host, 0) == CURLUE_OK &&
		   ret->curl->url_get(parts, CURLUPART_PORT, &ret->port, CURLU_DEFAULT_PORT) ==
			   CURLUE_OK;
	ret->curl->url_cleanup(parts);
	if (!is_whole)
		origin_release(ret);
	return is_whole;
}

bool http_same_origin(const char *a, const char *b)
{
	struct origin first = {0}, second = {0};
	bool is_same;

	if (!origin_of(a, &first))
		return false;
	if (!origin_of(b, &second)) {
		origin_release(&first);
		return false;
	}
	is_same = strcasecmp(first.scheme, second.scheme) == 0 &&
		  strcasecmp(first.host, second.host) == 0 && strcmp(first.port, second.port) == 0;
	origin_release(&first);
	origin_release(&second);
	return is_same;
}

bool http_url_is_of(const char *url, const char *host)
{
	CLEAN(memory_freep) char *other = NULL;

	return asprintf(&other, "https://%s/", host) >= 0 && http_same_origin(url, other);
}

bool http_url_is_loopback(const char *url)
{
	struct origin origin = {0};
	size_t size;
	bool is_loopback;

	if (!origin_of(url, &origin))
		return false;
	size = strlen(origin.host);
	is_loopback = strcasecmp(origin.host, "localhost") == 0 ||
		      strcmp(origin.host, "[::1]") == 0 ||
		      (strncmp(origin.host, "127.", 4) == 0 &&
		       strspn(origin.host, "0123456789.") == size);
	origin_release(&origin);
	return is_loopback;
}

/* The URL that is left in parts, a copy of our own. */
static int url_take(const struct curl *curl, CURLU *parts, char **ret)
{
	char *scheme = NULL, *whole = NULL;
	bool is_ours;

	if (curl->url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return -EPERM;
	is_ours = strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0;
	curl->free(scheme);
	if (!is_ours || curl->url_get(parts, CURLUPART_URL, &whole, 0) != CURLUE_OK)
		return -EPERM;
	*ret = strdup(whole);
	curl->free(whole);
	return *ret ? 0 : -ENOMEM;
}

int http_resolve(const struct http *http, const char *base, struct span location, char **ret,
		 struct diag *why)
{
	CLEAN(memory_freep) char *next = NULL;
	CLEAN(memory_freep) char *text = strndup((const char *)location.data, location.size);
	const struct curl *curl;
	CURLU *parts;
	int r = curl_load(&curl, why);

	if (r < 0 || !text)
		return r < 0 ? r : -ENOMEM;
	parts = curl->url();
	if (!parts)
		return -ENOMEM;
	r = -EPERM;
	if (strlen(text) == location.size &&
	    curl->url_set(parts, CURLUPART_URL, base, 0) == CURLUE_OK &&
	    curl->url_set(parts, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK)
		r = url_take(curl, parts, &next);
	curl->url_cleanup(parts);
	if (r == -EPERM)
		return diag_set(why, r, "it leads to what is no URL of http or https");
	if (r < 0)
		return r;
	if (!http->is_insecure && strncasecmp(base, "https:", 6) == 0 &&
	    strncasecmp(next, "https:", 6) != 0)
		return diag_set(why, -EPERM, "it leads from https to http");
	*ret = TAKE(next);
	return 0;
}

char *http_brief(const char *url, char *text)
{
	const char *start = strstr(url, "://"), *at;
	size_t size, authority;

	start = start ? start + 3 : url;
	authority = strcspn(start, "/?#");
	at = memrchr(start, '@', authority);
	if (at)
		start = at + 1;
	size = strcspn(start, "?#");
	if (size >= HTTP_BRIEF_SIZE)
		size = HTTP_BRIEF_SIZE - 1;
	for (size_t i = 0; i < size; i++)
		text[i] = start[i] > ' ' && start[i] <= '~' ? start[i] : '?';
	text[size] = '\0';
	return text;
}

int http_encode(const char *text, struct buf *ret)
{
	size_t before = ret->size;
	int r = 0;

	for (; r == 0 && *text; text++) {
		uint8_t c = (uint8_t)*text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c))
			r = buf_append_byte(ret, c);
		else
			r = buf_printf(ret, "%%%02X", c);
	}
	if (r < 0)
		ret->size = before;
	return r;
}
