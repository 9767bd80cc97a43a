/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * links_private.h - the symbolic links that name images (and streams)
 *
 * composefs-repository.md, 2.1 and 2.4. Only the last component of a target counts when it is read.
 */
#ifndef LAMINA_STORE_LINKS_PRIVATE_H
#define LAMINA_STORE_LINKS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

/* A name of n components has a target of n times "../" and a digest: both must fit into PATH_MAX.
 */
#define LINK_NAME_SIZE_MAX 2048
#define LINK_TARGET_SIZE 4096

/* A relative path: components of 1 to 255 bytes, none of them "." or "..". */
bool link_name_is_valid(const char *name);

/* The target as a string. Returns 0, -errno of readlink, or -ENAMETOOLONG. */
int link_read(int dir_fd, const char *path, char *target, size_t size);

/* The digest that is the last component of a target. Returns 0 or -EINVAL. */
int link_digest(const char *target, struct digest *ret);

/* Make a link, or make the one that is there point to target. */
int link_put(const struct store *store, int dir_fd, const char *name, const char *target,
	     struct diag *why);

/* Open a directory for links, made when missing; its entry is then on disk. The caller owns the fd.
 */
int link_dir_open(int dir_fd, const char *name, struct diag *why);

#endif
