/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * http.h - requests over HTTP, and answers that are read as they come
 *
 * HTTP/1.1 and 2 by libcurl, which is loaded when the first client is made. Proxies are those of
 * the environment ($https_proxy, $http_proxy, $no_proxy), except for this machine itself.
 *
 * A server is hostile: what it sends is bounded in size and has to come at HTTP_RATE_MIN; it cannot
 * send us anywhere but to http and https, not from https to http, not to an address of a more
 * private kind than its own, and it never gets what was meant for another (credentials, client
 * certificates) by a redirect.
 */
#ifndef LAMINA_OCI_HTTP_H
#define LAMINA_OCI_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reader.h"
#include "base/span.h"

struct buf;  /* base/buf.h */
struct diag; /* base/diag.h */

struct http;          /* a client: its connections and settings. Any thread */
struct http_response; /* owned by one thread; keeps nothing of the request */

/* {0} is what a registry of the internet needs. Strings are copied. */
struct http_options {
	/*
	 * HOST[:PORT], whose certificates are looked up as containers-certs.d(5) says: *.crt beside
	 * the system's, and one *.cert with its *.key, which only this host gets to see. NULL:
	 * none.
	 */
	const char *host;
	const char *certs_dir; /* the folder that holds them; NULL: HOST[:PORT] in the usual ones */
	bool is_insecure;      /* any certificate will do, and https may lead to http */
	unsigned int connect_timeout_ms; /* 0: HTTP_CONNECT_TIMEOUT_MS */
	unsigned int stall_timeout_ms;   /* 0: HTTP_STALL_TIMEOUT_MS */
};

/* Returns 0, -ENOMEM, -EOPNOTSUPP (no libcurl), or what reading the certificates gave. */
int http_new(const struct http_options *options, struct http **ret, struct diag *why);
void http_free(struct http *http); /* after all of its responses; NULL is fine */
void http_freep(struct http **http);

/*
 * Borrowed for the call. Redirects are followed except where they would lose the body, or show it
 * to another host: such an answer is returned as it is.
 */
struct http_request {
	const char *method; /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
	const char *url;
	const char *const *headers; /* "Name: value", ends in NULL; NULL: none */
	const char *authorization;  /* value of that field, for this URL's own host; NULL: none */
	struct span body;
	/*
	 * The server may keep some of body where the connection breaks: that is -ECONNRESET. Else
	 * libcurl sends it again by itself when a connection that was used before turns out to be
	 * dead. An upload is never sent twice.
	 */
	bool is_sent_once;
	const struct reader *upload; /* the body, if not NULL; read as it is sent, not closed */
	uint64_t upload_size;        /* bytes; UINT64_MAX: not known */
	bool is_foreign;             /* a server chose the URL (a token server, an upload) */
};

/*
 * Send a request, and wait for the header of the answer, whatever its status is.
 *
 *   -EHOSTUNREACH, -ECONNREFUSED, -ECONNRESET, -ETIMEDOUT   the network
 *   -EPERM    a certificate that is not trusted; a redirect that is not allowed
 *   -EPROTO   TLS was wanted and the server does not speak it
 *   -EUCLEAN  this is not HTTP
 *   -E2BIG    more header than HTTP_HEADERS_SIZE_MAX, or more than HTTP_REDIRECTS_MAX redirects
 *   what the upload's reader gave
 */
int http_send(struct http *http, const struct http_request *request, struct http_response **ret,
	      struct diag *why);

/* Whether trying again may help: the network failed, not we or the answer. */
bool http_error_is_transient(int err);

unsigned int http_status(const struct http_response *response);

/* Where the answer came from, after redirects. Owned by the response. */
const char *http_url(const struct http_response *response);

/* As http_headers_find(). The span is valid as long as the response. */
bool http_header(const struct http_response *response, const char *name, size_t index,
		 struct span *ret);

/* Bytes that the body will have, as the server says; UINT64_MAX: it does not. */
uint64_t http_content_length(const struct http_response *response);

/* The body: as reader_read(). An end before Content-Length is -ECONNRESET. */
ssize_t http_read(struct http_response *response, void *data, size_t size, struct diag *why);

/* Append all of the body; -E2BIG beyond limit. */
int http_read_all(struct http_response *response, size_t limit, struct buf *ret, struct diag *why);

void http_response_free(struct http_response *response); /* at any time; NULL is fine */
void http_response_freep(struct http_response **response);

/*
 * Resolve what a server gave (Location) against the URL it came from, as RFC 3986, 5.2 says.
 * Returns 0 with a string the caller owns, or -EPERM: not a URL of http or https, or one with a
 * user name in it, or one of http where base is https.
 */
int http_resolve(const struct http *http, const char *base, struct span location, char **ret,
		 struct diag *why);

/* Whether two URLs have scheme, host and port in common. */
bool http_same_origin(const char *a, const char *b);

/* Append text as RFC 3986 wants it in a query: all but unreserved characters in hex. */
int http_encode(const char *text, struct buf *ret);

/* "host:port/path" of a URL, for messages: a query may hold secrets. Returns text. */
#define HTTP_BRIEF_SIZE 160
char *http_brief(const char *url, char *text);

#endif
