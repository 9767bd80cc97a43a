/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * wire.h - our facts in the protocol's form
 */
#ifndef LAMINA_FUSE_WIRE_H
#define LAMINA_FUSE_WIRE_H

#include <stdint.h>

#include "fuse/abi.h"

struct fuse_attributes; /* fuse/session.h */

/* Seconds an answer is valid: for ever, in the kernel's arithmetic. */
#define WIRE_FOREVER UINT32_MAX

struct abi_attr wire_attr(const struct fuse_attributes *attributes);
struct abi_entry_out wire_entry(uint64_t nodeid, const struct fuse_attributes *attributes);

#endif
