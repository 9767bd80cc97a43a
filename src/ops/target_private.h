/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * target_private.h - the targets behind target_open() that are made of files
 *
 * Those of layouts and archives take the files in every case; names are copied.
 */
#ifndef LAMINA_OPS_TARGET_PRIVATE_H
#define LAMINA_OPS_TARGET_PRIVATE_H

struct diag;       /* base/diag.h */
struct files_out;  /* ops/files_out.h */
struct oci_target; /* oci/target.h */

/* An OCI layout. name: org.opencontainers.image.ref.name, or NULL. */
int target_layout_new(struct files_out *out, const char *name, struct oci_target **ret);

/*
 * The dir transport of containers/image. -EEXIST: the directory holds other things than an image of
 * it.
 */
int target_dir_open(const char *path, struct oci_target **ret, struct diag *why);

/* What 'docker load' takes. name: "repository:tag", or NULL. */
int target_docker_new(struct files_out *out, const char *name, struct oci_target **ret);

#endif
