/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * json.h - JSON documents that somebody else wrote
 *
 * Read strictly: a key twice in one object, bytes behind the end, NUL in a string, what is not
 * UTF-8, numbers past 64 bits are all refused, so that no two readers can see two documents in the
 * same bytes. Memory is bounded by DOCUMENT_VALUE_COUNT_MAX, whatever the bytes say. Where a field
 * may be missing, null is the same as missing (Go writes it so).
 */
#ifndef LAMINA_OCI_JSON_H
#define LAMINA_OCI_JSON_H

#include <stdint.h>

#include "base/span.h"

struct diag;   /* base/diag.h */
struct json_t; /* jansson.h; reference counted */

/*
 * Read a document whose outermost value is an object, or an array. The caller drops the reference.
 *
 *   -EUCLEAN  malformed
 *   -E2BIG    above MANIFEST_SIZE_MAX, DOCUMENT_VALUE_COUNT_MAX or DOCUMENT_DEPTH_MAX
 */
int oci_json_object_load(struct span raw, struct json_t **ret, struct diag *why);
int oci_json_array_load(struct span raw, struct json_t **ret, struct diag *why);

/*
 * The same for what a whole store is listed in: STORAGE_LIST_SIZE_MAX, and four times the values.
 */
int oci_json_list_load(struct span raw, struct json_t **ret, struct diag *why);

/* The same for a table of contents, an object: TOC_SIZE_MAX, and TOC_VALUE_FACTOR. */
int oci_json_toc_load(struct span raw, struct json_t **ret, struct diag *why);

void oci_json_releasep(struct json_t **document);

/*
 * A field of an object, borrowed from it; NULL where it is missing. -EUCLEAN when it has another
 * type.
 */
int oci_json_text(const struct json_t *object, const char *key, const char **ret, struct diag *why);
int oci_json_array(const struct json_t *object, const char *key, const struct json_t **ret,
		   struct diag *why);
int oci_json_object(const struct json_t *object, const char *key, const struct json_t **ret,
		    struct diag *why);

/* The same, and missing is an error, too: -EUCLEAN. */
int oci_json_text_needed(const struct json_t *object, const char *key, const char **ret,
			 struct diag *why);

/* A number from 0 to INT64_MAX that has to be there. */
int oci_json_number_needed(const struct json_t *object, const char *key, uint64_t *ret,
			   struct diag *why);

/* Whether an object maps strings to strings: 0, or -EUCLEAN. NULL is fine. */
int oci_json_check_texts(const struct json_t *object, const char *what, struct diag *why);

#endif
