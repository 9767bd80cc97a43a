/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/counted.h"

#include <errno.h>
#include <stdlib.h>

#include "base/reader.h"

struct counted {
	struct reader source; /* owned */
	counted_bytes *count;
	void *context;
};

static ssize_t counted_read(void *context, void *data, size_t size, struct diag *why)
{
	struct counted *counted = context;
	ssize_t got = reader_read(&counted->source, data, size, why);

	if (got > 0)
		counted->count(counted->context, (size_t)got);
	return got;
}

static void counted_close(void *context)
{
	struct counted *counted = context;

	reader_close(&counted->source);
	free(counted);
}

int counted_reader(struct reader *source, counted_bytes *count, void *context, struct reader *ret)
{
	struct counted *counted = malloc(sizeof(*counted));

	if (!counted) {
		reader_close(source);
		return -ENOMEM;
	}
	*counted = (struct counted){*source, count, context};
	*source = READER_NONE;
	*ret = (struct reader){counted_read, counted_close, counted};
	return 0;
}
