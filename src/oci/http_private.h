/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * http_private.h - inside of http.h: clients, channels, transfers
 */
#ifndef LAMINA_OCI_HTTP_PRIVATE_H
#define LAMINA_OCI_HTTP_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/diag.h"
#include "oci/curl_private.h"
#include "oci/http.h"
#include "oci/http_headers.h"

/* libcurl's handles of one transfer at a time; the multi handle keeps connections for the next. */
struct channel {
	CURLM *multi;
	CURL *easy;
	struct channel *next;
};

/* Immutable after http_new() but for what the lock guards, and reach. */
struct http {
	const struct curl *curl;
	char *host;             /* owned; NULL: no certificates */
	char *certificate;      /* owned; path of the client's, NULL: none */
	char *key;              /* owned; path */
	struct buf authorities; /* owned; PEM, beside the system's; empty: none */
	bool is_insecure;
	unsigned int connect_timeout_ms;
	unsigned int stall_timeout_ms;
	atomic_int reach; /* enum reach: the most private address that the user's URLs led to */
	pthread_mutex_t lock;
	/* guarded by lock: */
	struct channel *idle; /* owned */
	unsigned int idle_count;
};

struct http_response {
	struct http *http;
	struct channel *channel;  /* owned; NULL: nothing more will come */
	char *url;                /* owned */
	struct curl_slist *lines; /* owned; libcurl borrows them while it sends */
	struct http_headers headers;
	unsigned int status;
	bool is_head;    /* no body comes, whatever Content-Length says */
	bool is_foreign; /* a server chose the URL */
	bool is_done;    /* result says how it ended */
	CURLcode result;
	char said[CURL_ERROR_SIZE];
	/* Why a callback ended the transfer; 0: none did. */
	int failure;
	struct diag reason;
	/* What is sent. */
	const struct reader *upload; /* borrowed; NULL once the header of the answer is there */
	struct reader once;          /* of rest, for upload */
	struct span rest;            /* of a body that is sent once; borrowed as long as upload */
	bool has_body;
	/* Where http_read() wants the next bytes, and what did not fit there. */
	uint8_t *target;
	size_t target_size;
	size_t target_used;
	struct buf spare; /* owned */
	size_t spare_used;
	bool is_paused;
	/* Since the last look at how fast it goes: */
	uint64_t waited_ms;
	uint64_t moved_bytes;
};

/* The kinds of addresses, each more private than the one before. */
enum reach {
	REACH_PUBLIC,
	REACH_PRIVATE,   /* of a site: RFC 1918, RFC 6598, RFC 4193 */
	REACH_HOST_ONLY, /* loopback, link-local (cloud metadata is there), unspecified */
};
struct sockaddr;
enum reach reach_of(const struct sockaddr *address);
enum reach reach_of_text(const char *address); /* as CURLINFO_PRIMARY_IP has it */

/* http_certs.c: fill in certificate, key and authorities. */
int http_certs_load(struct http *http, const char *certs_dir, struct diag *why);

/* http_url.c */
/* Whether the host of a URL, with its port if the URL has one, is host ("localhost:5000"). */
bool http_url_is_of(const char *url, const char *host);
bool http_url_is_loopback(const char *url);

/* http_transfer.c: options that make a transfer ours, and running it. */
void transfer_prepare(struct http_response *response);
int transfer_start(struct http_response *response, struct diag *why);
/* Run until *flag, or until it is done; *flag is NULL: until bytes came. */
int transfer_run(struct http_response *response, const bool *flag, struct diag *why);
int transfer_error(struct http_response *response, struct diag *why);

/* http.c */
struct channel *channel_take(struct http *http);
void channel_give(struct http *http, struct channel *channel);

#endif
