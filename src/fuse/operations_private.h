/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * operations_private.h - the table of operations
 */
#ifndef LAMINA_FUSE_OPERATIONS_PRIVATE_H
#define LAMINA_FUSE_OPERATIONS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

struct request; /* fuse/dispatch.h */

struct operation {
	int (*answer)(struct request *request); /* NULL: the answer is always... */
	int error;                              /* ...this; 0 there: ENOSYS */
	uint32_t argument_size;                 /* where names follow; else all are arguments */
	bool has_names;
	bool is_silent;
	bool calls_fs; /* its errors are the file system's own */
};

/* Of an opcode that nobody knows: the one that is refused with ENOSYS. */
const struct operation *operation_of(uint32_t opcode);

#endif
