/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * buf.h - bytes that grow
 *
 * Starts as {0}; buf_release() returns it to that. Owned by one thread. A failed call leaves what
 * was there before.
 */
#ifndef LAMINA_BASE_BUF_H
#define LAMINA_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct buf {
	uint8_t *data; /* owned */
	size_t size;
	size_t capacity;
};

void buf_release(struct buf *buf);

/* Release what held secrets: nothing of it stays in memory, if it was reserved large enough. */
void buf_wipe(struct buf *buf);

/* Room for at least extra more bytes. Returns 0 or -ENOMEM, as all below. */
int buf_reserve(struct buf *buf, size_t extra);
int buf_append(struct buf *buf, const void *data, size_t size);
int buf_append_span(struct buf *buf, struct span bytes);
int buf_append_string(struct buf *buf, const char *text);
int buf_append_byte(struct buf *buf, uint8_t byte);
int buf_append_zeros(struct buf *buf, size_t size);
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The bytes, NUL-terminated behind the end; NULL on -ENOMEM. Owned by the buf. */
char *buf_string(struct buf *buf);

static inline struct span buf_span(const struct buf *buf)
{
	return span_of(buf->data, buf->size);
}

#endif
