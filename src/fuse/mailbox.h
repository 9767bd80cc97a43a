/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mailbox.h - a request on its way from one thread to another
 *
 * Room for one. Any thread puts, its owner alone opens, takes and closes. Nobody waits for the
 * owner: who finds no room keeps the request.
 */
#ifndef LAMINA_FUSE_MAILBOX_H
#define LAMINA_FUSE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* More than a look-up of the longest name (255 bytes) or a question for an xattr has. */
#define MAILBOX_SIZE_MAX 512

/* Closed when it is all zeros. */
struct mailbox {
	_Alignas(64) atomic_uint state;
	uint32_t size; /* valid while it is full, as is the next */
	uint8_t bytes[MAILBOX_SIZE_MAX];
};

void mailbox_open(struct mailbox *mailbox);

/* False when it is closed, full, or too small: nothing was put. */
bool mailbox_put(struct mailbox *mailbox, struct span request);

/* Copy what is in there to buffer[MAILBOX_SIZE_MAX]. Returns its size; 0: nothing. */
size_t mailbox_take(struct mailbox *mailbox, uint8_t *buffer);

/* The same, and nothing more can be put. */
size_t mailbox_close(struct mailbox *mailbox, uint8_t *buffer);

#endif
