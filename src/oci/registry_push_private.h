/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * registry_push_private.h - inside of registry_push_open(): what sending a blob and the rest share
 */
#ifndef LAMINA_OCI_REGISTRY_PUSH_PRIVATE_H
#define LAMINA_OCI_REGISTRY_PUSH_PRIVATE_H

#include "base/limits.h"
#include "oci/registry_private.h"
#include "oci/target.h"

/* An upload that broke: the registry may still have what came of it. */
struct push_session {
	struct digest digest; /* of the blob; DIGEST_NONE: the place is free */
	char *url;            /* owned */
};

struct push {
	struct oci_target_base base;
	struct endpoint endpoint;
	char *scope; /* owned */
	pthread_mutex_t lock;
	/* guarded by lock: */
	struct push_session sessions[PUSH_SESSIONS_MAX];
	unsigned int oldest; /* which makes room for the next */
};

/* "HOST/PATH: below", for messages; a string the caller owns, or -ENOMEM. */
int push_what(const struct push *push, const char *below, char **ret);

/* Send what may be sent twice. */
int push_ask(struct push *push, const char *method, const char *below, const char *scopes,
	     struct http_response **ret, struct diag *why);

/*
 * Where an upload goes on; a string the caller owns.
 *
 *   -EUCLEAN  the answer has no Location; else as http_resolve()
 */
int push_upload_url(struct push *push, const struct http_response *response, char **ret,
		    struct diag *why);

/* registry_upload.c: as oci_target_ops.put_blob */
int push_blob(struct oci_target *target, const struct oci_descriptor *blob,
	      const struct reader *bytes, struct diag *why);

#endif
