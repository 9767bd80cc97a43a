/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "tree/path.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "tree/tree.h"

int dentry_wrap(const struct dentry *dentry, struct diag *why, int err)
{
	CLEAN(buf_release) struct buf path = {0};
	size_t size = 0;

	for (const struct dentry *d = dentry; d; d = d->parent->primary)
		size += d->name_size + 1u;
	if (buf_append_zeros(&path, size + 1) < 0)
		return err;
	for (const struct dentry *d = dentry; d; d = d->parent->primary) {
		size -= d->name_size;
		memcpy(path.data + size, d->name, d->name_size);
		path.data[--size] = '/';
	}
	return diag_wrap(why, err, "'%.300s'", (const char *)path.data);
}
