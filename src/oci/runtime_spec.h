/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * runtime_spec.h - an image's config as what an OCI runtime runs: the config.json of a bundle
 *
 * OCI runtime specification 1.0.2, and what podman gives a container where the specification leaves
 * it open: the file systems of "Default Filesystems", podman's eleven capabilities, masked paths.
 * The seccomp filter is of a profile that somebody gives (oci/seccomp.h).
 */
#ifndef LAMINA_OCI_RUNTIME_SPEC_H
#define LAMINA_OCI_RUNTIME_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct buf;        /* base/buf.h */
struct diag;       /* base/diag.h */
struct idmaps;     /* base/idmap.h */
struct oci_config; /* oci/config.h */

/* Who the first process is, as numbers of the container. */
struct runtime_user {
	uint32_t uid;
	uint32_t gid;
	const uint32_t *additional_gids; /* NULL: none */
	size_t additional_gid_count;
};

/* A directory or file of the host, shown in the container. */
struct runtime_bind {
	const char *source; /* absolute */
	const char *target; /* absolute, in the container */
	bool is_read_only;
};

struct runtime_request {
	const struct oci_config *image;
	const char *rootfs; /* absolute, or below the bundle */
	/* Called before anything runs, of two: an absolute path, and its argv[0]. NULL: nothing. */
	const char *hook[2];           /* its argv[1] is rootfs */
	const char *const *entrypoint; /* NULL: the image's; NULL behind the last */
	const char *const *command;    /* in place of the image's Cmd; NULL: the image's */
	const char *const *env;        /* "NAME=value" or "NAME", which is taken from our own */
	const char *working_dir;       /* NULL: the image's, or "/" */
	const char *hostname;
	struct runtime_user user;
	const char *home; /* of the user, for HOME where nobody set it; NULL: "/" */
	const struct runtime_bind *binds;
	size_t bind_count;
	const struct idmaps *maps; /* of a user namespace of its own; NULL: that of the runtime */
	struct span seccomp;       /* a profile; empty: no filter */
	bool is_read_only;         /* but for a tmpfs at /run, /tmp and /var/tmp */
	bool has_terminal;
	bool has_own_network; /* with nothing but lo; else that of the runtime */
	bool is_in_userns;    /* the runtime is: no sysfs without a network of its own */
};

/*
 * Append the document.
 *
 *   -EINVAL  nothing to run: neither the image nor the request says; a path that is not absolute;
 *            a profile that is not understood
 */
int runtime_spec_write(const struct runtime_request *request, struct buf *ret, struct diag *why);

#endif
