/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fake.h - a file system of one directory, and requests as the kernel would write them
 */
#ifndef LAMINA_TESTS_FUSE_FAKE_H
#define LAMINA_TESTS_FUSE_FAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "fuse/abi.h"
#include "fuse/session.h"

/*
 * nodeid 1: the directory, with FAKE_ENTRIES entries named "entry-000" and so on, each of nodeid 2.
 * nodeid 2: a file of FAKE_SIZE bytes with xattr user.a = "value".
 * FAKE_LAST: a file after which none has to be opened.
 * Any other: -ESTALE; its getxattr is -ENOSYS.
 */
#define FAKE_ENTRIES 100
#define FAKE_SIZE 10000
#define FAKE_LAST 77

extern const struct fuse_handlers fake_handlers;
extern const uint8_t fake_content[FAKE_SIZE];

/* Append a request with arguments and, when not NULL, a name with its NUL. */
void request_append(struct buf *buf, enum abi_opcode opcode, uint64_t unique, uint64_t nodeid,
		    const void *arguments, size_t size, const char *name);

/* An INIT request of 7.minor that offers flags. */
void init_append(struct buf *buf, uint32_t minor, uint64_t flags);

#endif
