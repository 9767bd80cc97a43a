/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * attributes.h - what handlers say of an inode, in the kernel's form
 */
#ifndef LAMINA_FUSE_ATTRIBUTES_H
#define LAMINA_FUSE_ATTRIBUTES_H

#include <stdint.h>

#include "fuse/abi.h"

struct fuse_attributes; /* fuse/session.h */

/* For ever: nothing changes in a read-only file system. 136 years in seconds, far below what
 * overflows. */
#define VALID_FOREVER_SEC (1ull << 32)

struct abi_attributes attributes_of(const struct fuse_attributes *attributes);
struct abi_entry entry_of(uint64_t nodeid, const struct fuse_attributes *attributes);

#endif
