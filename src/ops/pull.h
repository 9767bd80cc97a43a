/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pull.h - an image comes into the repository, from wherever it is
 *
 * Manifest, config and layers, each held to its digest, and the EROFS image of all layers. All is
 * on disk before it gets a name, and the tag comes last: a pull that is killed leaves no half
 * image, and the next one takes up what is complete.
 */
#ifndef LAMINA_OPS_PULL_H
#define LAMINA_OPS_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/digest.h"
#include "oci/credentials.h"
#include "oci/platform.h"
#include "oci/registry.h"
#include "ops/progress.h"

struct store; /* store/store.h */

/* Layers at a time: what docker does; a layer keeps two CPUs busy once its bytes come fast. */
#define PULL_JOBS_DEFAULT 3
#define PULL_JOBS_MAX 64 /* more connections than any registry likes */

struct pull_request {
	const char *source;   /* as oci/reference.h has it */
	const char *name;     /* the tag; NULL: what the source calls it */
	const char *platform; /* "OS/ARCH[/VARIANT]"; NULL: this machine's */
	/* Hex digits of the EROFS image that must come of it, NULL: any. Checked before the tag. */
	const char *expected_digest;
	bool bootable;     /* make the image that boots, too */
	unsigned int jobs; /* layers at a time; 0: PULL_JOBS_DEFAULT */
	/*
	 * Fetch tables of contents in place of layers, where a registry has layers with such: the
	 * image can be mounted at once. bootable, keep_blobs and expected_digest are not set then.
	 */
	bool is_lazy;
	bool is_fill; /* of a lazy pull; the tag stays where it has come to mean something else */
	bool keep_blobs; /* keep compressed layers too, for an export of the same digest */
	struct registry_options registry; /* how to talk to one */
	struct progress progress;
};

struct pull_result {
	char *tag;              /* owned */
	struct digest manifest; /* as OCI has it */
	struct digest config;
	struct digest image; /* EROFS; DIGEST_NONE: an artifact */
	unsigned int version;
	struct digest boot_image;     /* of that version; DIGEST_NONE: not asked for */
	struct oci_platform platform; /* as the config says */
	bool is_other_platform;       /* not what was wanted, but all there is */
	size_t layer_count;
	size_t present_count; /* layers that were there */
	uint64_t blob_bytes;  /* that came from the source, config and manifest left out */
	uint64_t added_count; /* objects that were new */
	uint64_t added_bytes;
	/* Of a lazy pull that has left contents behind: */
	bool is_lazy;
	size_t lazy_count;      /* layers without their contents */
	uint64_t content_count; /* different ones, of files */
	uint64_t content_bytes;
	struct diag lazy_why; /* why a layer was not taken so, the first of them; "": all were */
};

void pull_result_release(struct pull_result *result);

/*
 * Pull. On failure the tag is what it was.
 *
 *   -EINVAL      a reference, name or platform that cannot be one; a source without a name of its
 *                own, and none was given
 *   -ENOENT      no such image, or none for the platform; none that could boot, but bootable
 *   -EEXIST      the name is that of an imported image
 *   -EBADMSG     something has another digest than was promised; expected_digest
 *   -EACCES, -EPERM, -EHOSTUNREACH, ...   as of registry_open()
 *   -EUCLEAN, -EOPNOTSUPP, -E2BIG   the image is malformed, of a kind or a size we do not take
 */
int pull_image(struct store *store, const struct pull_request *request, struct pull_result *ret,
	       struct diag *why);

/*
 * Start a process that pulls the rest of a lazy pull, as pull_image() of repo (as of
 * repository_open()) would have, unless one does already. How it fails is noted in the image's
 * folder. The caller has no threads. 0, or why there is no process.
 */
int pull_fill_start(const char *repo, const struct pull_request *request,
		    const struct pull_result *result, struct diag *why);

#endif
