/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * verified.h - whether an object is what the image says it is
 *
 * Where the kernel guards the file (fs-verity), its measured digest is compared each time, which
 * costs one ioctl, and every byte read from then on is the one that was meant.
 *
 * Any other file is hashed when it is first opened. That holds only as long as nobody changes it,
 * so it is done for files that nobody but their owner may write to, who is us or root; others are
 * refused. The digest is kept for the file's inode number with its size and change time: a file
 * that was written to, or replaced, since then is hashed again when it is opened anew. What this
 * promises is less than fs-verity: a change while the file is open, one through a mapping that was
 * there before, or one below the file system, is not seen.
 */
#ifndef LAMINA_SERVE_VERIFIED_H
#define LAMINA_SERVE_VERIFIED_H

struct diag;       /* base/diag.h */
struct digest;     /* base/digest.h */
struct fuse_reply; /* fuse/reply.h */

struct verified;

/*
 * Loads what hashes: later the process may have no file system to load it from. Returns 0, -ENOMEM,
 * or -EOPNOTSUPP where there is no libcrypto.
 */
int verified_new(struct verified **ret, struct diag *why);
void verified_free(struct verified *verified); /* NULL is fine */

/*
 * Whether the content of fd, a regular file, has the digest. Any thread; a file that somebody else
 * hashes is waited for. reply is told before that takes long; NULL: nobody has to be. Returns 0,
 * or:
 *
 *   -EBADMSG  it has another
 *   -EPERM    it has no fs-verity, and others may change it
 *   -ESTALE   it changed while it was hashed
 *   -errno    it cannot be read
 */
int verified_check(struct verified *verified, int fd, const struct digest *expected,
		   struct fuse_reply *reply, struct diag *why);

#endif
