/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * seccomp_file.h - which seccomp profile a container gets (docs/decisions/0020)
 */
#ifndef LAMINA_OPS_SECCOMP_FILE_H
#define LAMINA_OPS_SECCOMP_FILE_H

struct buf;  /* base/buf.h */
struct diag; /* base/diag.h */

#define SECCOMP_UNCONFINED "unconfined" /* in place of a file: no profile */

/*
 * Put the profile into *ret, which is empty: of the file, or of those that podman looks for where
 * file is NULL
 * (/etc/containers/seccomp.json, then /usr/share/containers/seccomp.json). Returns 1, or 0 where
 * there is none.
 *
 *   -ENOENT   there is no such file
 *   -E2BIG    larger than SECCOMP_PROFILE_SIZE_MAX
 *   -EUCLEAN  it is empty
 */
int seccomp_file_read(const char *file, struct buf *ret, struct diag *why);

#endif
