/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/reply.h"

#include <errno.h>
#include <string.h>

#include "fuse/abi.h"
#include "fuse/wire.h"

static bool reply_has_room(const struct fuse_reply *reply, size_t size)
{
	return reply->tail.size == 0 && size <= reply->limit - reply->size;
}

int reply_bytes(struct fuse_reply *reply, struct span bytes)
{
	if (!reply_has_room(reply, bytes.size))
		return -ERANGE;
	if (bytes.size && !reply->counts_only)
		memcpy(reply->data + reply->size, bytes.data, bytes.size);
	reply->size += bytes.size;
	return 0;
}

int reply_span(struct fuse_reply *reply, struct span bytes)
{
	/* A short one is cheaper copied than described to the kernel as a second piece. */
	const size_t copied_max = 512;

	if (!reply_has_room(reply, bytes.size))
		return -ERANGE;
	if (bytes.size <= copied_max || reply->counts_only)
		return reply_bytes(reply, bytes);
	reply->tail = bytes;
	return 0;
}

void *reply_space(struct fuse_reply *reply, size_t size)
{
	return reply_has_room(reply, size) ? reply->data + reply->size : NULL;
}

void reply_grow(struct fuse_reply *reply, size_t size)
{
	reply->size += size;
}

bool reply_dirent(struct fuse_reply *reply, const struct reply_dirent *entry, bool plus)
{
	size_t head = plus ? sizeof(struct abi_entry_out) : 0;
	size_t size = head + sizeof(struct abi_dirent) + entry->name.size;
	size_t padded = (size + 7) & ~(size_t)7;
	const struct abi_dirent dirent = {
		.ino = entry->ino,
		.off = entry->next,
		.namelen = (uint32_t)entry->name.size,
		.type = entry->type,
	};
	uint8_t *at = reply_space(reply, padded);

	if (!at)
		return false;
	if (plus) {
		struct abi_entry_out out = {0}; /* nodeid 0: nothing but the name is told */

		if (entry->nodeid)
			out = wire_entry(entry->nodeid, entry->attributes);
		memcpy(at, &out, sizeof(out));
	}
	memcpy(at + head, &dirent, sizeof(dirent));
	memcpy(at + head + sizeof(dirent), entry->name.data, entry->name.size);
	memset(at + size, 0, padded - size);
	reply_grow(reply, padded);
	return true;
}
