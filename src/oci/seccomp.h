/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * seccomp.h - a seccomp profile of podman's or docker's as an OCI runtime takes it
 *
 * A profile is JSON whose rules count for some capabilities, architectures or kernels only
 * (containers/common, pkg/seccomp; moby, profiles/seccomp). What counts here becomes linux.seccomp
 * of the OCI runtime specification 1.0.2, "Seccomp". The profile is read as foreign: an action, a
 * comparison or an error that is not known is refused, lest the filter let through more.
 */
#ifndef LAMINA_OCI_SECCOMP_H
#define LAMINA_OCI_SECCOMP_H

#include "base/span.h"
#include "oci/platform.h"

struct diag;   /* base/diag.h */
struct json_t; /* jansson.h */

/* What rules depend on. */
struct seccomp_host {
	struct oci_platform platform;
	unsigned int kernel_major;
	unsigned int kernel_minor;
	const char *const *capabilities; /* of the container, "CAP_CHOWN"; NULL behind the last */
};

/* The machine we run on; capabilities are left alone. */
void seccomp_host_find(struct seccomp_host *ret);

/*
 * Choose what counts. *ret is a new reference.
 *
 *   -EUCLEAN  malformed, or not understood
 *   -E2BIG    as of oci_json_object_load()
 */
int seccomp_profile_apply(struct span profile, const struct seccomp_host *host, struct json_t **ret,
			  struct diag *why);

#endif
