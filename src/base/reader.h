/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * reader.h - bytes that somebody delivers in order
 *
 * A stage of a pipeline (download, digest, inflate, tar) pulls from the one before it. Owned by one
 * thread at a time.
 */
#ifndef LAMINA_BASE_READER_H
#define LAMINA_BASE_READER_H

#include <stddef.h>
#include <sys/types.h>

struct diag; /* base/diag.h */

struct reader {
	/*
	 * Up to size bytes into data, size > 0. Returns how many (at least 1), 0 at the end, or a
	 * negative errno; after either of the latter it is not called again.
	 */
	ssize_t (*read)(void *context, void *data, size_t size, struct diag *why);
	/* NULL: nothing to release. Called once, whatever was read. */
	void (*close)(void *context);
	void *context;
};

#define READER_NONE ((struct reader){0})

static inline ssize_t reader_read(const struct reader *reader, void *data, size_t size,
				  struct diag *why)
{
	return reader->read(reader->context, data, size, why);
}

static inline void reader_close(struct reader *reader)
{
	if (reader->close)
		reader->close(reader->context);
	*reader = READER_NONE;
}

#endif
