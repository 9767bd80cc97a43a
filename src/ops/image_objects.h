/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * image_objects.h - the objects that an image needs
 */
#ifndef LAMINA_OPS_IMAGE_OBJECTS_H
#define LAMINA_OPS_IMAGE_OBJECTS_H

#include "base/digest.h"

struct diag; /* base/diag.h */

/*
 * Call visit for each external file of the image that fd is, as often as there are names for it,
 * with the digest by which its backing path is found; and with that of its metacopy xattr, where
 * that is another. fd stays the caller's. Returns 0, -errno as of image_load(), or what visit
 * returned if that is not 0.
 */
typedef int image_object_visit(void *context, const struct digest *object, struct diag *why);
int image_objects_each(int fd, image_object_visit *visit, void *context, struct diag *why);

#endif
