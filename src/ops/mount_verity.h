/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount_verity.h - the image of a request, and whether it is the one that was meant
 */
#ifndef LAMINA_OPS_MOUNT_VERITY_H
#define LAMINA_OPS_MOUNT_VERITY_H

struct diag;          /* base/diag.h */
struct mount_request; /* ops/mount.h */
struct source;        /* ops/source.h */

/* By name or path, or the descriptor. Errors as of ops/source.h. */
int request_source_open(const struct mount_request *request, struct source **ret, struct diag *why);

/*
 * Hold the open image to what is expected of it, before anything else looks at it. With
 * MOUNT_VERITY_REQUIRE the file has fs-verity, and the digest that was given, or that names it in
 * its repository. Else a digest that was given is compared with what the kernel measures, or, where
 * the file has no fs-verity, with its content as it is now. Returns 0, or:
 *   -EBADMSG  it is another image
 *   -ENODATA  it has no fs-verity, and has to
 *   -EINVAL   there is nothing to compare with
 */
int image_check(const struct mount_request *request, const struct source *source, struct diag *why);

#endif
