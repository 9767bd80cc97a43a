/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazy.h - a pulled image whose contents are not all here yet
 *
 * A folder (store/lazies.h) with
 *
 *   image.erofs    the file tree, made of tables of contents; files have the marks of serve/lazy.h
 *   table          where to fetch contents (ops/lazy_table.h)
 *   state.json     struct lazy_state
 *   manifest.json  config.json   as they were pulled
 *   files/         contents that are here, by their SHA-256
 *   boot           the boot of the machine in which files/ was filled
 *   fill           locked by the process that pulls the rest (ops/pull.h); why the last one failed
 *
 * Contents are verified before they get their name, and not written to disk then: what is there
 * from another boot is verified again before it is used. docs/decisions/0021 has why.
 */
#ifndef LAMINA_OPS_LAZY_H
#define LAMINA_OPS_LAZY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/span.h"
#include "oci/descriptor.h"
#include "oci/registry.h"

struct buf;       /* base/buf.h */
struct diag;      /* base/diag.h */
struct oci_image; /* oci/image.h */
struct store;     /* store/store.h */

struct lazy_layer {
	struct oci_descriptor blob;
	struct digest stream; /* of a layer that is here; DIGEST_NONE: its contents are fetched */
};

struct lazy_state {
	char *source; /* owned; docker reference with the digest of the manifest */
	enum registry_tls tls;
	char *auth_file; /* owned; these may be NULL */
	char *registries_conf;
	char *certs_dir;
	uint64_t content_count; /* of the table */
	uint64_t content_bytes;
	struct lazy_layer *layers; /* owned */
	size_t layer_count;
};

void lazy_state_release(struct lazy_state *state);
int lazy_state_format(const struct lazy_state *state, struct buf *ret);
/* -EUCLEAN: malformed. */
int lazy_state_parse(struct span text, struct lazy_state *ret, struct diag *why);

/* How to talk to the registry; borrows from state. */
struct registry_options lazy_state_registry(const struct lazy_state *state);

struct lazy_image {
	struct digest manifest;
	int dir_fd;      /* owned; shares the folder */
	int contents_fd; /* owned; files/ */
	struct lazy_state state;
};

/* -ENOENT, without a diag: there is no such folder. */
int lazy_image_open(const struct store *store, const struct digest *manifest,
		    struct lazy_image **ret, struct diag *why);
void lazy_image_close(struct lazy_image *image); /* NULL is fine */
void lazy_image_closep(struct lazy_image **image);

/* The image that text means: a tag or what is short for one; the digest of a manifest. As above. */
typedef int lazy_find(const struct store *store, const char *text, struct lazy_image **ret,
		      struct diag *why);
lazy_find lazy_image_find;
lazy_find lazy_image_find_digest;

/* A file of the folder. -ENOENT. */
int lazy_image_file(const struct lazy_image *image, const char *name, struct diag *why);
int lazy_image_read(const struct lazy_image *image, const char *name, size_t limit, struct buf *ret,
		    struct diag *why);

/*
 * Manifest and config, as oci_image_open() has them; layers that are not here have no stream, and
 * there are no links.
 */
int lazy_image_pulled(const struct lazy_image *image, struct oci_image **ret, struct diag *why);

/*
 * How the pull of the rest is doing: whether a process is at it, and else, appended to
 * *ret_failure, why the last one failed, which is nothing where there was none.
 */
int lazy_image_fill(const struct lazy_image *image, bool *ret_runs, struct buf *ret_failure);

/* Make sure that all in files/ is what its name says. */
int lazy_image_settle(const struct lazy_image *image, struct diag *why);

/* Count what is here. */
int lazy_image_here(const struct lazy_image *image, uint64_t *ret_count, uint64_t *ret_bytes,
		    struct diag *why);

#endif
