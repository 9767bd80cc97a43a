/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/auth.h"
#include "oci/registries_conf.h"
#include "oci/registry_private.h"

/* Where Docker's registry is: its name is that of a web site. */
#define DOCKER_NAME "docker.io"
#define DOCKER_HOST "registry-1.docker.io"

void endpoint_release(struct endpoint *endpoint)
{
	int saved = errno;

	/* The lock is made before the client, and both or none are there. */
	if (endpoint->http)
		(void)pthread_mutex_destroy(&endpoint->lock);
	auth_free(endpoint->auth);
	http_free(endpoint->http);
	oci_reference_release(&endpoint->reference);
	*endpoint = (struct endpoint){0};
	errno = saved;
}

int endpoint_init(struct endpoint *endpoint, struct registry_place *place,
		  const struct registry_options *options, struct diag *why)
{
	bool is_insecure = options->tls == REGISTRY_TLS_UNVERIFIED ||
			   (options->tls == REGISTRY_TLS_AS_CONFIGURED && place->is_insecure);
	const struct http_options http = {
		.host = place->reference.registry,
		.certs_dir = options->certs_dir,
		.is_insecure = is_insecure,
		.connect_timeout_ms = options->connect_timeout_ms,
		.stall_timeout_ms = options->stall_timeout_ms,
	};
	struct auth_options auth = {
		.auth_file = options->auth_file,
		.credentials = options->credentials,
	};
	int r = http_new(&http, &endpoint->http, why);

	if (r < 0)
		return r;
	(void)pthread_mutex_init(&endpoint->lock, NULL);
	endpoint->is_insecure = is_insecure;
	endpoint->scheme = is_insecure ? NULL : "https";
	endpoint->retry_ms = options->retry_ms ? options->retry_ms : RETRY_FIRST_MS;
	endpoint->reference = place->reference;
	place->reference = (struct oci_reference){0}; /* taken */
	endpoint->host = strcmp(endpoint->reference.registry, DOCKER_NAME) == 0
				 ? DOCKER_HOST
				 : endpoint->reference.registry;
	auth.registry = endpoint->reference.registry;
	auth.repository = endpoint->reference.repository;
	return auth_new(endpoint->http, &auth, &endpoint->auth);
}

/* Whether the other side is at fault, and plain HTTP may be what it speaks. */
static bool is_not_tls(int err)
{
	return err == -EPROTO || err == -EUCLEAN || err == -EIO || http_error_is_transient(err);
}

/* An insecure registry may have TLS or not: ask which. */
static int scheme_find_locked(struct endpoint *endpoint, struct diag *why)
{
	CLEAN(http_response_freep) struct http_response *response = NULL;
	CLEAN(memory_freep) char *url = NULL;
	struct http_request request = {.method = "GET"};
	int r;

	if (endpoint->scheme)
		return 0;
	if (asprintf(&url, "https://%s/v2/", endpoint->host) < 0)
		return -ENOMEM;
	request.url = url;
	r = http_send(endpoint->http, &request, &response, why);
	if (r < 0 && !is_not_tls(r))
		return r;
	endpoint->scheme = r < 0 ? "http" : "https";
	return 0;
}

int endpoint_url(struct endpoint *endpoint, const char *below, struct buf *ret, struct diag *why)
{
	const char *scheme;
	int r;

	(void)pthread_mutex_lock(&endpoint->lock);
	r = scheme_find_locked(endpoint, why);
	scheme = endpoint->scheme;
	(void)pthread_mutex_unlock(&endpoint->lock);
	if (r < 0)
		return r;
	return buf_printf(ret, "%s://%s/v2/%s/%s", scheme, endpoint->host,
			  endpoint->reference.repository, below);
}

char *endpoint_scope(const struct endpoint *endpoint, const char *actions)
{
	char *scope;

	if (asprintf(&scope, "repository:%s:%s", endpoint->reference.repository, actions) < 0)
		return NULL;
	return scope;
}

/*
 * Whether a URL is the registry's own: scheme, host and port. Who is at another, where a redirect
 * or an upload led, gets no credentials and has none to ask for.
 */
static bool is_own(struct endpoint *endpoint, const char *url)
{
	CLEAN(memory_freep) char *own = NULL;
	const char *scheme;

	(void)pthread_mutex_lock(&endpoint->lock);
	scheme = endpoint->scheme;
	(void)pthread_mutex_unlock(&endpoint->lock);
	return scheme && asprintf(&own, "%s://%s/", scheme, endpoint->host) >= 0 &&
	       http_same_origin(url, own);
}

int endpoint_send(struct endpoint *endpoint, const struct http_request *request, const char *scopes,
		  struct http_response **ret, struct diag *why)
{
	CLEAN(auth_value_freep) char *value = auth_value(endpoint->auth, scopes);
	CLEAN(http_response_freep) struct http_response *response = NULL;
	CLEAN(auth_value_freep) char *better = NULL;
	struct http_request mine = *request;
	bool is_replaced = auth_is_replaced(endpoint->auth, scopes, value);
	int r;

	/* http_send() keeps it from other origins that redirects lead to. */
	mine.authorization = is_own(endpoint, request->url) ? value : NULL;
	r = http_send(endpoint->http, &mine, &response, why);
	if (r < 0)
		return r;
	if (http_status(response) == 401 && is_own(endpoint, http_url(response)) &&
	    is_own(endpoint, request->url)) {
		/* What is no upload is told so by the answer to its second try, below. */
		if (request->upload && is_replaced)
			return registry_error(
				response,
				"the registry refuses the token that its own service gave", why);
		r = auth_answer(endpoint->auth, response, scopes, value, &better, why);
		if (r < 0)
			return r;
		/* Some of it may be gone: the next request has what would have been right. */
		if (request->upload)
			return diag_set(why, -EAGAIN,
					"the registry wants to know anew who this is");
		http_response_free(TAKE(response));
		mine.authorization = better;
		r = http_send(endpoint->http, &mine, &response, why);
		if (r < 0)
			return r;
	}
	*ret = TAKE(response);
	return 0;
}

int endpoint_ask(struct endpoint *endpoint, const struct http_request *request, const char *scopes,
		 struct http_response **ret, struct diag *why)
{
	struct retry retry = endpoint_retry(endpoint);

	for (;;) {
		CLEAN(http_response_freep) struct http_response *response = NULL;
		int r = endpoint_send(endpoint, request, scopes, &response, why);

		if (r < 0 && !http_error_is_transient(r))
			return r;
		if (r == 0 && !status_is_transient(http_status(response))) {
			*ret = TAKE(response);
			return 0;
		}
		if (retry_wait(&retry, response))
			continue;
		/* The last answer, whatever it is, is for the caller to explain. */
		if (r == 0)
			*ret = TAKE(response);
		return r;
	}
}
