/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pull_private.h - what the steps of a pull share
 */
#ifndef LAMINA_OPS_PULL_PRIVATE_H
#define LAMINA_OPS_PULL_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "oci/image.h"
#include "oci/reference.h"
#include "ops/pull.h"

struct oci_descriptor; /* oci/descriptor.h */
struct oci_source;     /* oci/source.h */
struct toc;            /* oci/toc.h */

/*
 * One syncfs for all who want one at the same time: layers that end together need not each wait for
 * what the others still write.
 */
struct pull_sync {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* guarded by lock: */
	uint64_t wanted; /* tickets given out */
	uint64_t done;   /* tickets whose objects are on disk */
	bool is_running;
	int error; /* of one that failed: nothing is on disk for sure from then on */
};

/* Owned by one thread but for what says otherwise. */
struct pull {
	const struct pull_request *request;
	struct store *store;             /* borrowed */
	struct oci_reference reference;  /* owned */
	struct oci_source *source;       /* owned; any thread */
	struct transaction *transaction; /* owned; any thread */
	struct pull_sync sync;

	struct digest digest; /* of the manifest */
	struct buf manifest_bytes;
	struct oci_manifest *manifest; /* owned */
	struct buf config_bytes;
	struct oci_config *config; /* owned; NULL: an artifact */

	struct digest *layers;  /* owned; stream of each, as many as the manifest has */
	struct digest *blobs;   /* owned; the same of kept blobs; DIGEST_NONE: not kept */
	struct toc **tocs;      /* owned; of layers that are not fetched; NULL: of none */
	struct oci_links erofs; /* what was made: "composefs.image..." */

	_Atomic uint64_t done_bytes;
	_Atomic uint64_t done_count;
	uint64_t all_bytes; /* to be read, known before the first is */
	uint64_t all_count;

	struct pull_result result;
};

/*
 * pull_image() from a source that is open, and taken in every case; what the request says of where
 * the image is does not count, and it has to have a name.
 */
int pull_opened(struct store *store, struct oci_source *source, const struct pull_request *request,
		struct pull_result *ret, struct diag *why);

/* Open pull->source, unless somebody has, and make the tag: pull->result.tag. */
int pull_source(struct pull *pull, struct diag *why);

/* The manifest; of an index, that of the platform that is wanted: pull->manifest. */
int pull_manifest(struct pull *pull, const struct oci_platform *wanted, struct diag *why);

/* The config of the manifest: pull->config, and what the result says of it. */
int pull_config(struct pull *pull, const struct oci_platform *wanted, struct diag *why);

/* All that was added so far is on disk. Any thread. */
int pull_sync(struct pull *pull, struct diag *why);

void pull_report(struct pull *pull);

/* The diff_id of a layer; of an artifact's, the digest of the blob, which takes its place. */
struct digest pull_layer_name(const struct pull *pull, size_t index);

/*
 * The stream of that name and type, if all objects that it needs are there, too. -ENOENT where it
 * has to be made again, -ENOMEM; what is damaged, or of another type, is no error here.
 */
int pull_stream_find(const struct store *store, const char *name, uint64_t content_type,
		     struct digest *ret_id);

/* Bring all layers in: pull->layers, and pull->blobs if those are kept. */
int pull_layers(struct pull *pull, struct diag *why);

/* A blob as it is, into an object, then a stream of type "oci_blob" called name. Any thread. */
int pull_blob(struct pull *pull, const struct oci_descriptor *blob, const char *name,
	      struct digest *ret_id, struct diag *why);

/*
 * The EROFS images of before are those that would be made: same layers, same tree. True if they are
 * all there, in pull->erofs then. Not where the caller wants proof (expected_digest).
 */
bool pull_erofs_reuse(struct pull *pull, const struct oci_image *before);

/*
 * Make the EROFS image of each format that the repository wants, and of each the one that boots if
 * that is asked for: pull->erofs. Version 1 is made where the repository wants none that has a
 * name: an image is there to be mounted.
 */
int pull_erofs(struct pull *pull, struct diag *why);

/*
 * The streams of config and manifest, once all that they name is there. before: what the repository
 * has of the image; NULL: nothing. What others have put beside it stays.
 */
int pull_config_write(struct pull *pull, const struct oci_image *before, struct digest *ret_id,
		      struct diag *why);
int pull_manifest_write(struct pull *pull, const struct oci_image *before,
			const struct digest *config_id, struct digest *ret_id, struct diag *why);

/*
 * Pull lazily what can be, into a folder of store/lazies.h. Returns 1 when the image has its name;
 * 0 when there is no layer that this could be done with, and nothing was done.
 */
int pull_lazy(struct pull *pull, struct diag *why);
void pull_lazy_release(struct pull *pull);

/*
 * An image is whole: names that a lazy pull of it had lead there, and so does tag, whatever lazy
 * pull it was of. Mounts of the lazy one go on, without the registry.
 */
int pull_lazy_finish(struct pull *pull, const char *stream, struct diag *why);

#endif
