/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * toc_private.h - the fields of an entry of a table of contents
 */
#ifndef LAMINA_OCI_TOC_PRIVATE_H
#define LAMINA_OCI_TOC_PRIVATE_H

#include <stdint.h>

struct arena;     /* base/arena.h */
struct diag;      /* base/diag.h */
struct digest;    /* base/digest.h */
struct json_t;    /* jansson.h */
struct tar_entry; /* oci/tar.h */

/* A number of at most max; 0 where it is missing. -EUCLEAN. */
int toc_number(const struct json_t *entry, const char *key, uint64_t max, uint64_t *ret,
	       struct diag *why);

/* "sha256:..."; DIGEST_NONE where it is missing or empty. -EUCLEAN, -EOPNOTSUPP (not SHA-256). */
int toc_digest(const struct json_t *entry, const char *key, struct digest *ret, struct diag *why);

/*
 * All of an entry but where its contents are. What is not text of the document is in arena.
 * -EUCLEAN, -EOPNOTSUPP, -ENOMEM.
 */
int toc_meta(const struct json_t *entry, struct arena *arena, struct tar_entry *ret,
	     struct diag *why);

#endif
