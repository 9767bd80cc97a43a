/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * seccomp_private.h - the rules of a seccomp profile, one by one
 */
#ifndef LAMINA_OCI_SECCOMP_PRIVATE_H
#define LAMINA_OCI_SECCOMP_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>

#include "oci/seccomp.h"

/* As libseccomp calls the architecture: what rules name. Go's word where it has none of its own. */
const char *seccomp_architecture(const struct seccomp_host *host);

bool seccomp_action_is_known(const char *action);

/*
 * The error that a filter answers, of object[name_key] ("EPERM", or a number as text) or else of
 * object[number_key]; -1 in *ret where there is neither.
 */
int seccomp_errno(const json_t *object, const char *name_key, const char *number_key, int *ret,
		  struct diag *why);

/* 1 with a new reference in *ret, 0 where the rule does not count on this host. */
int seccomp_rule_apply(const json_t *rule, const struct seccomp_host *host, json_t **ret,
		       struct diag *why);

#endif
