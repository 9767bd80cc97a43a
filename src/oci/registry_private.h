/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * registry_private.h - inside of registry.h: one repository at one place, and how often to try
 */
#ifndef LAMINA_OCI_REGISTRY_PRIVATE_H
#define LAMINA_OCI_REGISTRY_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "oci/http.h"
#include "oci/reference.h"
#include "oci/registry.h"
#include "oci/source.h"

struct auth;           /* oci/auth.h */
struct registry_place; /* oci/registries_conf.h */

/* A repository of a registry or of a mirror. Any thread; immutable but for the scheme. */
struct endpoint {
	struct oci_reference reference; /* owned; as the image is called there */
	const char *host;               /* where reference.registry really is */
	struct http *http;              /* owned */
	struct auth *auth;              /* owned */
	unsigned int retry_ms;
	bool has_next; /* another place is asked where this one fails: at once, not after more tries
			*/
	bool is_insecure;
	pthread_mutex_t lock;
	const char *scheme; /* guarded by lock; NULL: not known yet */
};

/* reference is taken from place. On failure *endpoint is to be released too. */
int endpoint_init(struct endpoint *endpoint, struct registry_place *place,
		  const struct registry_options *options, struct diag *why);
void endpoint_release(struct endpoint *endpoint); /* {0} is fine */

/* Append the URL of what is below /v2/REPOSITORY/. Finds out the scheme, if need be. */
int endpoint_url(struct endpoint *endpoint, const char *below, struct buf *ret, struct diag *why);

/*
 * http_send() with what this registry wants in Authorization for scopes, once more where it says
 * what that is. What is not the registry's own origin gets none: its 401 is an answer like others.
 * A body that is an upload is not sent twice: -EAGAIN where the whole of it would be, with what the
 * registry wants to see now; -EACCES where it was just told what that is, and refuses it, too.
 */
int endpoint_send(struct endpoint *endpoint, const struct http_request *request, const char *scopes,
		  struct http_response **ret, struct diag *why);

/* "repository:NAME:ACTIONS"; a string the caller owns, NULL when memory ran out. */
char *endpoint_scope(const struct endpoint *endpoint, const char *actions);

/* How often something was tried without success. */
struct retry {
	unsigned int first_ms;
	unsigned int count;
	bool is_vain; /* there is something better to do than to try again */
};

struct retry endpoint_retry(const struct endpoint *endpoint);

/*
 * Wait before the next try, as long as the answer wants (Retry-After; NULL: there was none).
 * Returns false when it has been tried often enough, the answer wants too much, or it is vain.
 */
bool retry_wait(struct retry *retry, const struct http_response *response);

/* Whether asking again may give another status. */
bool status_is_transient(unsigned int status);

/*
 * endpoint_send() for a request that may be sent again, tried until there is a status that says
 * something.
 */
int endpoint_ask(struct endpoint *endpoint, const struct http_request *request, const char *scopes,
		 struct http_response **ret, struct diag *why);

/*
 * Turn a status that is none of success into an error with what the registry says about it: "what:
 * not found (MANIFEST_UNKNOWN: ...)". Reads the body.
 */
int registry_error(struct http_response *response, const char *what, struct diag *why);

/*
 * "CODE: message" of the first error in the body of an answer (distribution specification, "Error
 * Codes"), printable, into text[REGISTRY_ERROR_TEXT_SIZE]; "" where there is none.
 */
#define REGISTRY_ERROR_TEXT_SIZE 200
char *registry_error_text(struct span body, char *text);

/*
 * Whether what a registry says of a manifest is true: the digest that its answer has
 * (Docker-Content-Digest; SPAN_EMPTY: none) and the one that was asked for (NULL: none) are those
 * of the bytes. 0, -EBADMSG, -EUCLEAN, or what hashing returned.
 */
int registry_manifest_check(struct span bytes, struct span said, const struct digest *wanted,
			    struct diag *why);

/* A Content-Type without its parameters into media_type[MEDIA_TYPE_SIZE_MAX]; "" for what is none.
 */
void registry_media_type(struct span value, char *media_type);

struct registry {
	struct oci_source_base base;
	struct endpoint *endpoints; /* owned; mirrors, then the registry itself */
	size_t count;
	atomic_size_t current; /* the one that had the image; those before it are not asked again */
};

/* registry_blob.c: as oci_source_ops.blob */
int registry_blob(struct oci_source *source, const struct oci_descriptor *blob, uint64_t offset,
		  struct reader *ret, struct diag *why);

/* registry_range.c: as oci_source_ops.range */
int registry_range(struct oci_source *source, const struct oci_descriptor *blob, uint64_t offset,
		   uint64_t size, struct reader *ret, struct diag *why);

#endif
