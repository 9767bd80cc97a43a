/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * reference.h - what a user types to name an image: a transport, and what that transport needs
 *
 *   docker://[HOST[:PORT]/]PATH[:TAG][@DIGEST]   and the same without transport, with a host
 *   oci:DIR[:NAME]          oci-archive:FILE[:NAME]         also :@INDEX for the n-th image
 *   docker-archive:FILE[:NAME:TAG]                          the same
 *   dir:DIR
 *   containers-storage:[[STORE]]{ID|[HOST/]PATH[:TAG][@DIGEST]}[@ID]
 *
 * containers-transports(5), and the grammar of the distribution specification's references. Names
 * mean what they mean there: without a host docker.io, below it library/, and the tag latest. A
 * name with neither transport nor host is refused, because which registry it is of is a guess.
 */
#ifndef LAMINA_OCI_REFERENCE_H
#define LAMINA_OCI_REFERENCE_H

#include <stdint.h>

#include "base/digest.h"
#include "base/span.h"

struct buf;  /* base/buf.h */
struct diag; /* base/diag.h */

enum oci_transport {
	OCI_TRANSPORT_DOCKER,
	OCI_TRANSPORT_OCI,
	OCI_TRANSPORT_OCI_ARCHIVE,
	OCI_TRANSPORT_DOCKER_ARCHIVE,
	OCI_TRANSPORT_DIR,
	OCI_TRANSPORT_STORAGE,
};
#define OCI_TRANSPORT_COUNT 6

/* "docker", "oci-archive", ...: as typed, without the colon. */
const char *oci_transport_name(enum oci_transport transport);

/* Immutable once parsed. All strings are owned; NULL: the reference does not say. */
struct oci_reference {
	enum oci_transport transport;
	/*
	 * The image's name: docker always has registry and repository, storage and docker-archive
	 * may. Of a tag and a digest the digest decides.
	 */
	char *registry;       /* "quay.io", "localhost:5000", "[::1]:5000" */
	char *repository;     /* "library/ubuntu" */
	char *tag;            /* docker-archive, storage: never NULL with a name but a digest */
	struct digest digest; /* DIGEST_NONE: none. Not for docker-archive */
	/* oci, oci-archive, docker-archive, dir: */
	char *path;
	char *name;    /* oci, oci-archive: org.opencontainers.image.ref.name of the index */
	int64_t index; /* of the image in the archive or index, from 0; -1: not said */
	/* storage: */
	char *store;     /* what stood in the brackets: [driver@]root[+runroot][:options] */
	char *image_id;  /* 64 hex digits */
	char *id_prefix; /* the name may also be the beginning of an image id, 3 to 63 hex digits */
};

/* Frees the strings; {0} is fine. */
void oci_reference_release(struct oci_reference *reference);

/* Returns 0, -ENOMEM, -EOPNOTSUPP for a transport that we lack, or -EINVAL. */
int oci_reference_parse(const char *text, struct oci_reference *ret, struct diag *why);

/*
 * Append "registry/repository:tag@digest", as far as the reference has them: what images are named
 * by in lists. Returns 0 or -ENOMEM.
 */
int oci_reference_format_name(const struct oci_reference *reference, struct buf *ret);

/*
 * Whether text is all of a tag ([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}), a repository's path, or a
 * registry's host and port (distribution specification 1.1, "Pulling manifests").
 */
bool oci_tag_is_valid(struct span text);
bool oci_repository_is_valid(struct span text);
bool oci_registry_is_valid(struct span text);

#endif
