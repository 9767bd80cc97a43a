/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * direct_private.h - contents of large objects written past the page cache
 *
 * Why: many such contents would push out of memory what runs on the machine, for bytes that may not
 * be read for long; they have to be on disk at the commit anyway; and a page that the kernel must
 * find, and on a virtual machine the hypervisor too, costs more than the write. Measured in
 * docs/performance.md.
 */
#ifndef LAMINA_STORE_DIRECT_PRIVATE_H
#define LAMINA_STORE_DIRECT_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* What O_DIRECT wants of addresses, offsets and sizes; no disk has larger blocks. */
#define DIRECT_ALIGN 4096

/*
 * Turn O_DIRECT on or off for an open file.
 *
 * Returns 0, or a negative errno: -EINVAL where the file system has no such thing.
 */
int direct_set(int fd, bool on);

/*
 * Write all of chunk at offset. *is_direct says whether O_DIRECT is on; it is turned off for good
 * where the file system refuses the write after all, and for what is no whole block at a whole
 * block's place, as the end of a file is. The chunk's address has to be aligned.
 *
 * Returns 0 or a negative errno.
 */
int direct_write(int fd, struct span chunk, uint64_t offset, bool *is_direct);

#endif
