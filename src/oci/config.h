/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * config.h - the config of an image: which layers it has, and how to run it
 *
 * OCI image specification 1.1, "Image Configuration"; Docker's "Image JSON" has the same fields.
 * Immutable once parsed. All strings are borrowed from the document, UTF-8, without NUL.
 */
#ifndef LAMINA_OCI_CONFIG_H
#define LAMINA_OCI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/span.h"
#include "oci/platform.h"

struct diag;         /* base/diag.h */
struct json_t;       /* jansson.h */
struct oci_manifest; /* oci/manifest.h */

struct oci_texts {
	const char **items; /* owned by the config; NULL behind the last */
	size_t count;
};

/* NULL where the config does not say. */
struct oci_history {
	const char *created; /* RFC 3339, not checked */
	const char *created_by;
	const char *author;
	const char *comment;
	bool is_empty; /* made no layer */
};

struct oci_config {
	struct oci_platform platform; /* "" where the config does not say */
	const char *created;          /* RFC 3339, not checked; NULL: not said, as the next */
	const char *author;
	struct digest *diff_ids;     /* owned; of the uncompressed layers, from the base up */
	size_t diff_id_count;        /* at most LAYER_COUNT_MAX */
	struct oci_history *history; /* owned */
	size_t history_count;
	/* As many entries of history made a layer as there are: they can be told apart by it. */
	bool history_fits;

	/* How to run it. */
	struct oci_texts env; /* "NAME=value" */
	struct oci_texts entrypoint;
	struct oci_texts cmd;
	struct oci_texts volumes;       /* paths in the image */
	struct oci_texts exposed_ports; /* such as "80/tcp" */
	const char *user;               /* USER[:GROUP], names or numbers; NULL: not said */
	const char *working_dir;
	const char *stop_signal;
	const struct json_t *labels; /* of strings; NULL: none; oci_annotation() finds one */

	struct json_t *document; /* owned */
};

/*
 * Read a config.
 *
 *   -EUCLEAN  malformed
 *   -E2BIG    more than LAYER_COUNT_MAX layers, a list of more than CONFIG_LIST_MAX, or what
 *             oci/json.h says
 */
int oci_config_parse(struct span raw, struct oci_config **ret, struct diag *why);
void oci_config_free(struct oci_config *config); /* NULL is fine */
void oci_config_freep(struct oci_config **config);

/* Whether config can be that of the manifest: as many diff_ids as layers. 0 or -EUCLEAN. */
int oci_config_check_manifest(const struct oci_config *config, const struct oci_manifest *manifest,
			      struct diag *why);

#endif
