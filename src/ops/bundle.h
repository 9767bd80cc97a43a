/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * bundle.h - an image of the repository as what an OCI runtime takes: config.json and rootfs
 *
 * An image that was imported, not pulled, has no config: then the request has to say what runs.
 */
#ifndef LAMINA_OPS_BUNDLE_H
#define LAMINA_OPS_BUNDLE_H

#include "oci/runtime_spec.h"

struct diag;   /* base/diag.h */
struct source; /* ops/source.h */

struct bundle_request {
	const char *image; /* as of ops/source.h, in the repository */
	const char *repo;  /* NULL: the default */
	const char *user;  /* USER[:GROUP]; NULL: the image's */
	/* A file with a profile, or "unconfined"; NULL: the machine's own (ops/seccomp_file.h). */
	const char *seccomp;
	/* A file of the container's own that it sees as /etc/hosts, unless its network is that of
	 * the host. NULL: what the image has. */
	const char *hosts;
	/* Called with what a container does without on this machine, a line each; NULL: nobody
	 * asks. */
	void (*say)(const char *text);
	/* Of the fields below, image, user, home and seccomp are filled in. */
	struct runtime_request spec;
};

/* Open the image of the request. -EINVAL: it is a file, not one of the repository. */
int bundle_source_open(const struct bundle_request *request, struct source **ret, struct diag *why);

/*
 * Write config.json into the directory dir_fd, for the image that source is, whatever its name
 * means by now. root_fd is the file tree of the container, whose users and groups count; -1: those
 * of the image, which is mapped then. Other errors as of source_pulled(), container_user_find() and
 * runtime_spec_write().
 *
 *   -EEXIST  there is one already
 */
int bundle_config_write(const struct bundle_request *request, const struct source *source,
			int dir_fd, int root_fd, struct diag *why);

/*
 * A bundle without a mounted file tree: makes the directory path, config.json and an empty rootfs
 * in it. On failure nothing of it is left.
 */
int bundle_make(const struct bundle_request *request, const char *path, struct diag *why);

#endif
