/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ckd.h"

void buf_release(struct buf *buf)
{
	int saved = errno;

	free(buf->data);
	*buf = (struct buf){0};
	errno = saved;
}

void buf_wipe(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->capacity);
	buf_release(buf);
}

int buf_reserve(struct buf *buf, size_t extra)
{
	size_t needed, capacity;
	uint8_t *data;

	if (ckd_add(&needed, buf->size, extra))
		return -ENOMEM;
	if (needed <= buf->capacity)
		return 0;
	capacity = buf->capacity ? buf->capacity : 64;
	while (capacity < needed) {
		if (ckd_mul(&capacity, capacity, (size_t)2))
			return -ENOMEM;
	}
	data = realloc(buf->data, capacity);
	if (!data)
		return -ENOMEM;
	buf->data = data;
	buf->capacity = capacity;
	return 0;
}

int buf_append(struct buf *buf, const void *data, size_t size)
{
	int r = buf_reserve(buf, size);

	if (r < 0)
		return r;
	if (size)
		memcpy(buf->data + buf->size, data, size);
	buf->size += size;
	return 0;
}

int buf_append_span(struct buf *buf, struct span bytes)
{
	return buf_append(buf, bytes.data, bytes.size);
}

int buf_append_string(struct buf *buf, const char *text)
{
	return buf_append(buf, text, strlen(text));
}

int buf_append_byte(struct buf *buf, uint8_t byte)
{
	return buf_append(buf, &byte, 1);
}

int buf_append_zeros(struct buf *buf, size_t size)
{
	int r = buf_reserve(buf, size);

	if (r < 0)
		return r;
	if (size)
		memset(buf->data + buf->size, 0, size);
	buf->size += size;
	return 0;
}

int buf_printf(struct buf *buf, const char *format, ...)
{
	va_list arguments;
	int needed, r;

	va_start(arguments, format);
	needed = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (needed < 0)
		return -EINVAL;
	r = buf_reserve(buf, (size_t)needed + 1);
	if (r < 0)
		return r;
	va_start(arguments, format);
	(void)vsnprintf((char *)buf->data + buf->size, (size_t)needed + 1, format, arguments);
	va_end(arguments);
	buf->size += (size_t)needed;
	return 0;
}

char *buf_string(struct buf *buf)
{
	if (buf_reserve(buf, 1) < 0)
		return NULL;
	buf->data[buf->size] = '\0';
	return (char *)buf->data;
}
