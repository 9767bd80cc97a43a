/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * container_dir.h - where a running container has its bundle: gone when it is
 *
 * lamina/containers/NAME below runtime_path() (ops/runtime.h), else below a folder of the user's
 * own in the temporary one. Locked (flock) by whoever runs the container, lamina and the runtime,
 * so that what killed ones left is known: the next of that name takes it over, and any other
 * removes it once it is a minute old.
 */
#ifndef LAMINA_OPS_CONTAINER_DIR_H
#define LAMINA_OPS_CONTAINER_DIR_H

#include <stdbool.h>

struct diag; /* base/diag.h */

/* Below the container's folder: where its image is mounted. */
#define CONTAINER_ROOT "rootfs"

#define CONTAINER_NAME_SIZE_MAX 64 /* of a host name, with the NUL (HOST_NAME_MAX) */

struct container_dir {
	char name[CONTAINER_NAME_SIZE_MAX];
	char *path; /* owned; absolute */
	int fd;     /* owned; holds the lock */
};

#define CONTAINER_DIR_NONE ((struct container_dir){.fd = -1})

/*
 * Make the folder. name NULL: twelve random hex digits.
 *
 *   -EINVAL  a name of other characters than a-z, A-Z, 0-9, '_', '.', '-', or too long
 *   -EEXIST  a container of that name runs
 *   -EPERM   a folder on the way to it, from "lamina" on, belongs to somebody else
 */
int container_dir_make(const char *name, struct container_dir *ret, struct diag *why);

/* Whether path is where the image of the container of that name is mounted. */
bool container_dir_is_root_of(const char *path, const char *name);

/* Remove it with all that is in it, and release. Nothing is mounted in it any more. */
void container_dir_remove(struct container_dir *dir);

/* Release; what is there stays. */
void container_dir_release(struct container_dir *dir);

#endif
