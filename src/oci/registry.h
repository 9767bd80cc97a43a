/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * registry.h - images in registries: docker://
 *
 * OCI distribution specification 1.1, and Docker's registry HTTP API V2, which it comes from. What
 * the network or a server breaks is tried again, and a blob goes on where it broke. Mirrors are
 * asked first, as registries.conf says, and once; what one of them lacks comes from the next.
 */
#ifndef LAMINA_OCI_REGISTRY_H
#define LAMINA_OCI_REGISTRY_H

struct credentials;   /* oci/credentials.h */
struct diag;          /* base/diag.h */
struct oci_reference; /* oci/reference.h */
struct oci_source;    /* oci/source.h */
struct oci_target;    /* oci/target.h */

enum registry_tls {
	REGISTRY_TLS_AS_CONFIGURED, /* verified, unless registries.conf says insecure */
	REGISTRY_TLS_VERIFIED,
	REGISTRY_TLS_UNVERIFIED, /* any certificate, and plain HTTP where there is no TLS */
};

/* {0} is what a user who says nothing wants. Strings are borrowed for the call. */
struct registry_options {
	enum registry_tls tls;
	const char *auth_file; /* NULL: as credentials_find() says */
	/* In place of any file, for the registry that was named: not where registries.conf leads.
	 */
	const struct credentials *credentials;
	const char *registries_conf;     /* NULL: as registries_conf_load() says */
	const char *certs_dir;           /* NULL: as http_options says */
	unsigned int connect_timeout_ms; /* 0: as http_options says */
	unsigned int stall_timeout_ms;   /* 0: as http_options says */
	unsigned int retry_ms;           /* the first wait; 0: RETRY_FIRST_MS */
};

/*
 * The image that a docker reference names. Nothing is asked for yet.
 *
 *   -EPERM   registries.conf blocks it
 *   what registries_conf_load() and http_new() return
 *
 * What its functions return, beside what source.h says:
 *
 *   -EACCES   the registry does not let this user (or nobody in particular) have it
 *   -EBADMSG  a manifest, or the size of a blob, is not what was promised
 *   -EIO      a status that makes no sense here; -EBUSY: too many requests
 *   what http_send() and auth_answer() return
 */
int registry_open(const struct oci_reference *reference, const struct registry_options *options,
		  struct oci_source **ret, struct diag *why);

/* Where to push to by a docker reference: the registry itself, no mirror. As registry_open(). */
int registry_push_open(const struct oci_reference *reference,
		       const struct registry_options *options, struct oci_target **ret,
		       struct diag *why);

#endif
